// Whatever the rounds and parts, the blocks of a share get the bits of the tree over its
// microbatches.
#include "lockstep/reduce/gradient_accumulator.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/random.hpp"

namespace lockstep {
namespace {

constexpr Index kSize = 2 * kAlignment + 3;

// A sum of such leaves depends on the order of its additions.
Real leaf(Index microbatch, Index i) {
  const RandomKey key{.seed = 3, .a = static_cast<std::uint32_t>(microbatch)};
  return static_cast<Real>(random_normal(key, static_cast<std::uint64_t>(i)) *
                           std::exp2(static_cast<double>(microbatch % 5 * 7)));
}

Real tree_sum(MicrobatchRange block, Index i) {
  Buffer<Real> memory(OrderedSum::memory_for(block.end(), 1));
  OrderedSum sum(memory.span(), 1);
  for (Index m = block.first; m < block.end(); ++m) {
    sum.next()[0] = leaf(m, i);
    sum.push({m, 1});
  }
  return sum.finish()[0];
}

// One step: every part sets its blocks from the end to the start, as layers do.
void run(GradientAccumulator& accumulator, const AccumulationPlan& rounds) {
  for (std::size_t round = 0; round < rounds.size(); ++round) {
    std::vector<GradientReducer::Block> blocks;
    for (std::size_t part = 0; part < rounds[round].size(); ++part) {
      const auto some = accumulator.blocks(static_cast<Index>(round), part);
      blocks.insert(blocks.end(), some.begin(), some.end());
    }
    for (const GradientReducer::Block& b : blocks) {
      for (Real& value : b.values) value = std::numeric_limits<Real>::quiet_NaN();
    }
    accumulator.begin(static_cast<Index>(round));
    Index end = kSize;
    for (const Index offset : {kSize, Index{100}, Index{100}, Index{7}, Index{0}, Index{0}}) {
      for (const GradientReducer::Block& b : blocks) {
        for (Index i = offset; i < end; ++i) {
          b.values[static_cast<std::size_t>(i)] = tree_sum(b.block, i);
        }
      }
      end = offset;
      accumulator.ready_from(offset);
    }
  }
}

void expect_tree_sums(MicrobatchRange share, Index count, int threads) {
  std::vector<Buffer<Real>> memory;
  std::vector<GradientReducer::Block> blocks;
  for (const MicrobatchRange& block : aligned_blocks(share)) {
    memory.emplace_back(kSize);
    blocks.push_back({block, memory.back().span()});
  }
  const AccumulationPlan rounds = cut_into_rounds(share, count, threads);
  GradientAccumulator accumulator(blocks, rounds);
  for (int step = 0; step < 2; ++step) {
    run(accumulator, rounds);
    for (const GradientReducer::Block& b : blocks) {
      for (Index i = 0; i < kSize; ++i) {
        ASSERT_EQ(b.values[static_cast<std::size_t>(i)], tree_sum(b.block, i))
            << share.first << "+" << share.count << " in " << count << " rounds, " << threads
            << " threads";
      }
    }
  }
}

TEST(GradientAccumulator, GivesTheTreeSumOfEveryBlock) {
  for (Index first = 0; first <= 6; ++first) {
    for (Index count = 1; count <= 9; ++count) {
      for (Index rounds = 1; rounds <= count; ++rounds) {
        for (int threads = 1; threads <= 3; ++threads) {
          expect_tree_sums({first, count}, rounds, threads);
        }
      }
    }
  }
}

TEST(GradientAccumulator, TakesALogarithmOfTheGradients) {
  const Index gradient = aligned<Real>(kSize) * static_cast<Index>(sizeof(Real));
  Buffer<Real> memory(kSize);
  const GradientReducer::Block block{{0, 64}, memory.span()};
  const auto gradients = [&](Index rounds, int threads) {
    const AccumulationPlan cut = cut_into_rounds({0, 64}, rounds, threads);
    return GradientAccumulator({&block, 1}, cut).bytes() / gradient;
  };
  EXPECT_EQ(gradients(1, 1), 0);
  EXPECT_EQ(gradients(2, 1), 1);
  EXPECT_EQ(gradients(4, 1), 2);
  EXPECT_EQ(gradients(64, 1), 6);
  EXPECT_EQ(gradients(1, 4), 3);
  EXPECT_EQ(gradients(4, 4), 5);
}

}  // namespace
}  // namespace lockstep
