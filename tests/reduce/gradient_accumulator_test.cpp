// Whatever the passes, the blocks of a share get the bits of the tree over its microbatches.
#include "lockstep/reduce/gradient_accumulator.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/passes.hpp"
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

Real tree_sum(Share block, Index i) {
  Buffer<Real> memory(OrderedSum::memory_for(block.end(), 1));
  OrderedSum sum(memory.span(), 1);
  for (Index m = block.first; m < block.end(); ++m) {
    sum.next()[0] = leaf(m, i);
    sum.push({m, 1});
  }
  return sum.finish()[0];
}

// One step: every pass sets its blocks from the end to the start, as layers do.
void run(GradientAccumulator& accumulator) {
  for (Index pass = 0; pass < accumulator.passes(); ++pass) {
    for (const GradientReducer::Block& b : accumulator.blocks(pass)) {
      for (Real& value : b.values) value = std::numeric_limits<Real>::quiet_NaN();
    }
    Index end = kSize;
    for (const Index offset : {kSize, Index{100}, Index{100}, Index{7}, Index{0}, Index{0}}) {
      for (const GradientReducer::Block& b : accumulator.blocks(pass)) {
        for (Index i = offset; i < end; ++i) {
          b.values[static_cast<std::size_t>(i)] = tree_sum(b.block, i);
        }
      }
      end = offset;
      accumulator.ready_from(pass, offset);
    }
  }
}

TEST(GradientAccumulator, GivesTheTreeSumOfEveryBlock) {
  for (Index first = 0; first <= 6; ++first) {
    for (Index count = 1; count <= 9; ++count) {
      for (Index passes = 1; passes <= count; ++passes) {
        const Share share{first, count};
        std::vector<Buffer<Real>> memory;
        std::vector<GradientReducer::Block> blocks;
        for (const Share& block : aligned_blocks(share)) {
          memory.emplace_back(kSize);
          blocks.push_back({block, memory.back().span()});
        }
        GradientAccumulator accumulator(blocks, cut_for_passes(share, passes));
        for (int step = 0; step < 2; ++step) {
          run(accumulator);
          for (const GradientReducer::Block& b : blocks) {
            for (Index i = 0; i < kSize; ++i) {
              ASSERT_EQ(b.values[static_cast<std::size_t>(i)], tree_sum(b.block, i))
                  << first << "+" << count << " in " << passes << " passes";
            }
          }
        }
      }
    }
  }
}

TEST(GradientAccumulator, TakesALogarithmOfTheGradients) {
  const Index gradient = aligned<Real>(kSize) * static_cast<Index>(sizeof(Real));
  Buffer<Real> memory(kSize);
  const GradientReducer::Block block{{0, 64}, memory.span()};
  const auto gradients = [&](Index passes) {
    return GradientAccumulator({&block, 1}, cut_for_passes({0, 64}, passes)).bytes() / gradient;
  };
  EXPECT_EQ(gradients(1), 0);
  EXPECT_EQ(gradients(2), 1);
  EXPECT_EQ(gradients(4), 2);
  EXPECT_EQ(gradients(64), 6);
}

}  // namespace
}  // namespace lockstep
