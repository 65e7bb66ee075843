#pragma once

// Runs in which one rank's machine fails: see faulty_rank.cpp.

#include "lockstep/base/buffer.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/reduce/bucket_layout.hpp"
#include "system/faults.hpp"

namespace lockstep::system_test {

class FaultyRankTest : public FaultTest {
 protected:
  explicit FaultyRankTest(std::string_view length) : FaultTest(length) {}

  /// Nothing but training takes logarithms.
  static Arguments options(const Arguments& more) {
    Arguments all = {"--set", "data.holdout=0", "--set", "checkpoint.every=\"20 steps\""};
    for (const std::string& option : more) all.insert(all.end(), {"--set", option});
    return all;
  }

  /// A run in which `rank` fails in some step.
  [[nodiscard]] Outcome run_with(const std::string& fault, int ranks, int rank,
                                 const std::string& run, const Arguments& more,
                                 const Arguments& further = {}) const {
    Arguments all = options(more);
    all.insert(all.end(), further.begin(), further.end());
    Process process(train(
        ranks, run, all,
        {mark(run), preloading(directory_, LOCKSTEP_FAULTY_RANK), "LOCKSTEP_TEST_FAULT=" + fault,
         fmt::format("LOCKSTEP_TEST_FAULT_AT={}", 8 * flipped() + 6)}));
    EXPECT_TRUE(trains(run, 50));
    const pid_t pid = rank_with(mark(run), rank);
    EXPECT_NE(pid, 0);
    if (pid != 0) ::kill(pid, SIGUSR2);
    return process.wait(120);
  }
  /// The run that nothing disturbed.
  [[nodiscard]] std::string whole(const std::string& run, const Arguments& more) const {
    const Outcome outcome = system_test::run(train(0, run, options(more)));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return latest(run);
  }

  /// Whose part of the parameters the flipped byte is in.
  [[nodiscard]] static int owner(int ranks) {
    const BucketLayout layout(bytes() / static_cast<Index>(sizeof(Real)), Index{1} << 18, ranks);
    const Index number = flipped() / static_cast<Index>(sizeof(Real));
    for (int rank = 0; rank < ranks; ++rank) {
      for (const Range& slice : layout.slices(rank)) {
        if (slice.begin <= number && number < slice.end) return rank;
      }
    }
    return -1;
  }

 private:
  /// That the parameters of `small_config` take.
  [[nodiscard]] static Index bytes() {
    Network network(Shape{.channels = 20});
    network.add(linear(128));
    network.add(batch_norm());
    network.add(relu());
    network.add(linear(5));
    return network.parameters().size() * static_cast<Index>(sizeof(Real));
  }
  [[nodiscard]] static Index flipped() { return bytes() / 16 * 13 + 2; }
};

}  // namespace lockstep::system_test
