// main of every *_mpi_test: starts MPI, and only rank 0 prints, except for failures.
#include <gtest/gtest.h>

#include "lockstep/comm/environment.hpp"

namespace {

class OnlyFailures : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed()) {
      std::fprintf(stderr, "%s:%d: %s\n", result.file_name() ? result.file_name() : "?",
                   result.line_number(), result.summary());
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const lockstep::Environment environment;
  if (environment.world().rank() != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new OnlyFailures);
  }
  const bool failed = RUN_ALL_TESTS() != 0;
  return environment.world().any(failed) ? 1 : 0;
}
