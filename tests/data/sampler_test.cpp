#include "lockstep/data/sampler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace lockstep {
namespace {

std::vector<Index> order_of(const Sampler& sampler, std::uint64_t epoch, Index samples) {
  std::vector<Index> order;
  for (Index i = 0; i < samples; ++i) order.push_back(sampler.sample(epoch, i));
  return order;
}

TEST(Sampler, VisitsEverySampleOncePerEpoch) {
  for (const Index samples : {1, 2, 3, 64, 1000, 1797}) {
    const Sampler sampler(7, samples, 10, true);
    for (const std::uint64_t epoch : {0u, 1u, 2u}) {
      std::vector<int> visits(static_cast<std::size_t>(samples));
      for (const Index sample : order_of(sampler, epoch, samples)) {
        ++visits.at(static_cast<std::size_t>(sample));
      }
      EXPECT_EQ(visits, std::vector<int>(visits.size(), 1)) << samples;
    }
  }
}

TEST(Sampler, OrdersEpochsAndSeedsDifferently) {
  const Sampler sampler(7, 100, 10, true);
  EXPECT_NE(order_of(sampler, 0, 100), order_of(sampler, 1, 100));
  EXPECT_NE(order_of(sampler, 0, 100), order_of(Sampler(8, 100, 10, true), 0, 100));
  EXPECT_EQ(order_of(sampler, 3, 100), order_of(Sampler(7, 100, 32, true), 3, 100));
}

// A change of these numbers breaks the resumption of every checkpoint ever written.
TEST(Sampler, KeepsItsOrderForEver) {
  EXPECT_EQ(order_of(Sampler(0, 10, 1, true), 0, 10),
            (std::vector<Index>{7, 6, 8, 1, 2, 3, 0, 4, 5, 9}));
  EXPECT_EQ(order_of(Sampler(0, 10, 1, true), 1, 10),
            (std::vector<Index>{7, 6, 9, 2, 8, 1, 5, 3, 4, 0}));
  EXPECT_EQ(order_of(Sampler(42, 60'000, 1, true), 5, 4),
            (std::vector<Index>{51479, 59059, 56367, 30053}));
}

TEST(Sampler, CutsEpochsIntoBatches) {
  const Sampler sampler(0, 10, 4, true);
  EXPECT_EQ(sampler.steps_per_epoch(), 3);
  EXPECT_EQ(sampler.batch(0), (BatchRange{0, 0, 4}));
  EXPECT_EQ(sampler.batch(2), (BatchRange{0, 8, 2}));
  EXPECT_EQ(sampler.batch(3), (BatchRange{1, 0, 4}));
  EXPECT_EQ(sampler.batch(3'000'000'001), (BatchRange{1'000'000'000, 4, 4}));
  EXPECT_EQ(Sampler(0, 3, 100, true).batch(5), (BatchRange{5, 0, 3}));
}

TEST(Sampler, KeepsTheOrderOfTheFileWithoutShuffling) {
  EXPECT_EQ(order_of(Sampler(7, 4, 2, false), 9, 4), (std::vector<Index>{0, 1, 2, 3}));
}

// Windows of 3 blocks of 4 samples; 50 samples are 12 blocks and 2 samples behind them.
TEST(Sampler, WithBlocksShufflesWithinWindows) {
  const Blocks blocks{4, 3};
  const Sampler sampler(7, 50, 10, true, blocks);
  EXPECT_EQ(sampler.windows(), 5);
  EXPECT_EQ(sampler.block_count(), 13);
  for (const std::uint64_t epoch : {0u, 1u, 2u}) {
    const std::vector<Index> order = order_of(sampler, epoch, 50);
    std::vector<Index> sorted = order;
    std::ranges::sort(sorted);
    for (Index i = 0; i < 50; ++i) {
      const auto at = static_cast<std::size_t>(i);
      EXPECT_EQ(sorted[at], i);
      bool in_window = false;
      for (Index place = sampler.window_of(i) * 3; place < sampler.window_of(i) * 3 + 3; ++place) {
        in_window |= place < 13 && sampler.block(epoch, place) == order[at] / 4;
      }
      EXPECT_TRUE(in_window) << i;
    }
    EXPECT_EQ(sampler.block(epoch, 12), 12);  // the two samples
  }
  EXPECT_NE(order_of(sampler, 0, 50), order_of(sampler, 1, 50));
  EXPECT_EQ(order_of(Sampler(7, 50, 10, false, blocks), 1, 50)[49], 49);
}

}  // namespace
}  // namespace lockstep
