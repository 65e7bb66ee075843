// Every parser under mutations of good inputs, the same in every run: whatever the bytes, it takes
// them or refuses them. `fuzz` of a build with LOCKSTEP_FUZZ looks much longer.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>

#include "fuzz/mutator.hpp"

namespace lockstep::fuzz {

// For GoogleTest.
static void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }

namespace {

constexpr int kCases = 3000;
constexpr rlim_t kMemory = rlim_t{512} << 20;

int number_from(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atoi(text);
}

#ifndef __SANITIZE_ADDRESS__
/// Lets this process take so many bytes more than it has: whoever asks for what a file only
/// declares gets std::bad_alloc, which is no Error. Under sanitizers, sanitizers.cpp sees to it.
void limit_memory() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t limit = pages * 4096 + kMemory;
  const rlimit both{limit, limit};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &both), 0);
}
#else
void limit_memory() {}
#endif

class Parsers : public testing::TestWithParam<Target> {
 protected:
  static void SetUpTestSuite() { limit_memory(); }
};

TEST_P(Parsers, TakeOrRefuseWhateverTheyGet) {
  const Target& target = GetParam();
  const std::vector<std::string> seeds = target.seeds();
  for (std::size_t i = 0; i < seeds.size(); ++i) EXPECT_TRUE(target.accepts(seeds[i])) << i;
  std::mt19937 random(static_cast<unsigned>(number_from("LOCKSTEP_FUZZ_SEED", 1)));
  const int cases = number_from("LOCKSTEP_FUZZ_CASES", kCases);
  int refused = 0;
  for (int i = 0; i < cases; ++i) {
    const std::string input = mutated_seed(target, seeds, random);
    try {
      refused += target.accepts(input) ? 0 : 1;
    } catch (const std::exception& error) {
      FAIL() << "case " << i << ": " << error.what() << "\n" << testing::PrintToString(input);
    }
  }
  // If all were taken or none, it would have tested nothing.
  EXPECT_GT(refused, cases / 50);
  EXPECT_LT(refused, cases);
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Parsers, testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace lockstep::fuzz
