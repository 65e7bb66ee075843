#include "lockstep/reduce/gradient_accumulator.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/parallel.hpp"

namespace lockstep {

GradientAccumulator::GradientAccumulator(std::span<const Block> blocks,
                                         const AccumulationPlan& rounds)
    : size_(blocks.empty() ? 0 : std::ssize(blocks.front().values)) {
  memory_ = Buffer<Real>(plan(blocks, rounds) * aligned<Real>(size_));
  plan(blocks, rounds);
}

// What waits to be added lies on a stack, as in OrderedSum: the sum of a block grows where the
// reducer looks for it, and what is to be added to it lies in a slot of our own, which is free
// again for the next round. Called twice: to count the slots, then to place them.
Index GradientAccumulator::plan(std::span<const Block> blocks, const AccumulationPlan& rounds) {
  struct Unpaired {
    Block block;
    std::size_t slot;
  };
  rounds_.clear();
  std::vector<Unpaired> stack;
  std::vector<bool> taken;
  const Index stride = aligned<Real>(size_);
  for (const std::vector<MicrobatchRange>& parts : rounds) {
    Round round;
    std::vector<std::size_t> added;
    for (const MicrobatchRange& part : parts) {
      round.parts.emplace_back();
      for (const MicrobatchRange& block : aligned_blocks(part)) {
        const auto whole =
            std::ranges::find(blocks, block.first, [](const Block& b) { return b.block.first; });
        if (whole != blocks.end()) {
          stack.push_back({{block, whole->values}, 0});
        } else {
          const auto slot =
              static_cast<std::size_t>(std::ranges::find(taken, false) - taken.begin());
          if (slot == taken.size()) taken.push_back(true);
          taken[slot] = true;
          const Index at = static_cast<Index>(slot) * stride;
          const bool placing = memory_.size() > 0;
          stack.push_back({{block, placing ? memory_.span(at, size_) : std::span<Real>()}, slot});
        }
        round.parts.back().push_back(stack.back().block);
        while (stack.size() > 1 &&
               OrderedSum::is_pair(stack.end()[-2].block.block, stack.back().block.block)) {
          Block& sum = stack.end()[-2].block;
          round.additions.push_back({sum.values.data(), stack.back().block.values.data()});
          sum.block.count *= 2;
          added.push_back(stack.back().slot);
          stack.pop_back();
        }
      }
    }
    for (const std::size_t slot : added) taken[slot] = false;
    rounds_.push_back(std::move(round));
  }
  return static_cast<Index>(taken.size());
}

void GradientAccumulator::ready_from(Index offset) {
  const Index end = std::exchange(added_from_, offset);
  const std::vector<Addition>& additions = rounds_[round_].additions;
  if (additions.empty() || offset == end) return;
  assert(offset < end);
  parallel_for_tiles(end - offset, kElementTile, [&](Index first, Index last) {
    for (const Addition& a : additions) {
      for (Index i = offset + first; i < offset + last; ++i) a.to[i] += a.from[i];
    }
  });
}

}  // namespace lockstep
