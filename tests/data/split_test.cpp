#include "lockstep/data/split.hpp"

#include <vector>

#include "io/testing.hpp"

namespace lockstep {
namespace {

TEST(Split, IsDisjointAndComplete) {
  for (const Index size : {2, 10, 101, 1797}) {
    const Split split = hold_out(size, 0.3, 5);
    std::vector<int> visits(static_cast<std::size_t>(size));
    for (const Subset& part : {split.train, split.validation}) {
      for (Index i = 0; i < part.size(); ++i) ++visits.at(static_cast<std::size_t>(part[i]));
    }
    EXPECT_EQ(visits, std::vector<int>(visits.size(), 1)) << size;
  }
}

TEST(Split, HoldsOutTheFlooredFractionButAtLeastOne) {
  EXPECT_EQ(hold_out(101, 0.1, 0).validation.size(), 10);
  EXPECT_EQ(hold_out(5, 0.01, 0).validation.size(), 1);
  EXPECT_EQ(hold_out(2, 0.99, 0).train.size(), 1);
}

TEST(Split, DependsOnTheSeed) {
  const Split a = hold_out(1000, 0.5, 1), b = hold_out(1000, 0.5, 1), c = hold_out(1000, 0.5, 2);
  Index equal = 0;
  for (Index i = 0; i < 500; ++i) {
    EXPECT_EQ(a.train[i], b.train[i]);
    if (a.train[i] == c.train[i]) ++equal;
  }
  EXPECT_LT(equal, 20);
}

TEST(Split, KeepsEverythingForFractionZero) {
  const Split split = hold_out(4, 0.0, 0);
  EXPECT_EQ(split.validation.size(), 0);
  ASSERT_EQ(split.train.size(), 4);
  for (Index i = 0; i < 4; ++i) EXPECT_EQ(split.train[i], i);
}

TEST(Split, RefusesWhatLeavesNothing) {
  for (const double fraction : {-0.1, 1.0, 2.0, std::numeric_limits<double>::quiet_NaN()}) {
    expect_error(ExitCode::config, "expected 0 <= fraction < 1",
                 [&] { (void)hold_out(10, fraction, 0); });
  }
  expect_error(ExitCode::config, "1 of 1 samples leaves none", [] { (void)hold_out(1, 0.5, 0); });
}

TEST(Split, WholeBlocksAreHeldOut) {
  const Split split = hold_out(43, 0.25, 5, 4);  // 10 blocks and 3 samples
  EXPECT_EQ(split.validation.size(), 8);
  EXPECT_EQ(split.train.size(), 35);
  std::vector<int> visits(43);
  for (const Subset& part : {split.train, split.validation}) {
    for (Index i = 0; i < part.size(); ++i) {
      ++visits.at(static_cast<std::size_t>(part[i]));
      EXPECT_EQ(part[i] % 4, i % 4);
    }
  }
  EXPECT_EQ(visits, std::vector<int>(43, 1));
  EXPECT_EQ(split.train[34], 42);
  EXPECT_EQ(hold_out(43, 0.0, 5, 4).train.size(), 43);
}

}  // namespace
}  // namespace lockstep
