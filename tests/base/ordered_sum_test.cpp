#include "lockstep/base/ordered_sum.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "lockstep/base/buffer.hpp"

namespace lockstep {
namespace {

// Leaves whose sum shows the order of the additions in its last bits.
std::vector<float> leaves(Index count) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> exponent(-20, 20);
  std::vector<float> values;
  for (Index i = 0; i < count; ++i)
    values.push_back(std::exp2(exponent(random)) * (i % 3 == 0 ? -1.f : 1.f));
  return values;
}

// The definition: split at the largest power of two below the length.
float by_definition(const std::vector<float>& values, std::size_t first, std::size_t count) {
  if (count == 1) return values[first];
  const std::size_t left = std::bit_floor(count - 1);
  return by_definition(values, first, left) + by_definition(values, first + left, count - left);
}

float sum_of_blocks(const std::vector<float>& values, const std::vector<MicrobatchRange>& blocks) {
  Buffer<Real> memory(OrderedSum::memory_for(static_cast<Index>(values.size()), 1));
  OrderedSum sum(memory.span(), 1);
  for (const MicrobatchRange& b : blocks) {
    sum.next()[0] =
        by_definition(values, static_cast<std::size_t>(b.first), static_cast<std::size_t>(b.count));
    sum.push(b);
  }
  return sum.finish()[0];
}

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

TEST(OrderedSum, EqualsTheDefinitionForEveryCountAndEveryNumberOfRanks) {
  for (Index m = 1; m <= 64; ++m) {
    const std::vector<float> values = leaves(m);
    const float expected = by_definition(values, 0, values.size());
    for (Index ranks = 1; ranks <= m; ++ranks) {
      std::vector<MicrobatchRange> blocks;
      for (Index rank = 0; rank < ranks; ++rank) {
        for (const MicrobatchRange& b : aligned_blocks(microbatches_of(rank, ranks, m)))
          blocks.push_back(b);
      }
      EXPECT_TRUE(same_bits(sum_of_blocks(values, blocks), expected)) << m << " over " << ranks;
    }
  }
}

TEST(OrderedSum, TheOrderMattersForTheseLeaves) {
  const std::vector<float> values = leaves(64);
  float left_to_right = 0;
  for (const float v : values) left_to_right += v;
  EXPECT_FALSE(same_bits(left_to_right, by_definition(values, 0, values.size())));
}

TEST(OrderedSum, AddsWholeVectorsAndCanBeUsedAgain) {
  constexpr Index kLength = 37;
  Buffer<Real> memory(OrderedSum::memory_for(3, kLength));
  OrderedSum sum(memory.span(), kLength);
  for (int round = 0; round < 2; ++round) {
    for (Index m = 0; m < 3; ++m) {
      for (Index i = 0; i < kLength; ++i)
        sum.next()[static_cast<std::size_t>(i)] = static_cast<Real>(m * 100 + i);
      sum.push({m, 1});
    }
    const auto total = sum.finish();
    for (Index i = 0; i < kLength; ++i)
      EXPECT_EQ(total[static_cast<std::size_t>(i)], static_cast<Real>(300 + 3 * i));
    sum.clear();
  }
}

TEST(OrderedSum, TellsHowManySumsAreAddedUpAfterEachMicrobatch) {
  constexpr Index kLength = 1;
  for (Index first = 0; first < 20; ++first) {
    std::vector<Real> memory(static_cast<std::size_t>(OrderedSum::memory_for(40, kLength)));
    OrderedSum sum(memory, kLength);
    const Real* const bottom = sum.next().data();
    Index before = 0;  // sums on the stack
    for (Index microbatch = first; microbatch < first + 20; ++microbatch) {
      sum.push({microbatch, 1});
      const Index now = (sum.next().data() - bottom) / aligned<Real>(kLength);
      EXPECT_EQ(OrderedSum::merges_after(microbatch, first), before + 1 - now)
          << microbatch << " of those from " << first << " on";
      before = now;
    }
  }
}

}  // namespace
}  // namespace lockstep
