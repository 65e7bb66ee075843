#include "lockstep/reduce/gradient_accumulator.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/parallel.hpp"

namespace lockstep {

GradientAccumulator::GradientAccumulator(std::span<const Block> blocks,
                                         std::span<const Share> passes)
    : size_(blocks.empty() ? 0 : std::ssize(blocks.front().values)), added_from_(size_) {
  memory_ = Buffer<Real>(plan(blocks, passes) * aligned<Real>(size_));
  plan(blocks, passes);
}

// What waits to be added lies on a stack, as in OrderedSum: the sum of a block grows where the
// reducer looks for it, and what is to be added to it lies in a slot of our own, which is free
// again for the next pass. Called twice: to count the slots, then to place them.
Index GradientAccumulator::plan(std::span<const Block> blocks, std::span<const Share> passes) {
  struct Unpaired {
    Block block;
    std::size_t slot;
  };
  passes_.clear();
  std::vector<Unpaired> stack;
  std::vector<bool> taken;
  const Index stride = aligned<Real>(size_);
  for (const Share& share : passes) {
    Pass pass;
    std::vector<std::size_t> added;
    for (const Share& part : aligned_blocks(share)) {
      const auto whole =
          std::ranges::find(blocks, part.first, [](const Block& b) { return b.block.first; });
      if (whole != blocks.end()) {
        stack.push_back({{part, whole->values}, 0});
      } else {
        const auto slot = static_cast<std::size_t>(std::ranges::find(taken, false) - taken.begin());
        if (slot == taken.size()) taken.push_back(true);
        taken[slot] = true;
        const Index at = static_cast<Index>(slot) * stride;
        const bool placing = memory_.size() > 0;
        stack.push_back({{part, placing ? memory_.span(at, size_) : std::span<Real>()}, slot});
      }
      pass.blocks.push_back(stack.back().block);
      while (stack.size() > 1 &&
             OrderedSum::is_pair(stack.end()[-2].block.block, stack.back().block.block)) {
        Block& sum = stack.end()[-2].block;
        pass.additions.push_back({sum.values.data(), stack.back().block.values.data()});
        sum.block.count *= 2;
        added.push_back(stack.back().slot);
        stack.pop_back();
      }
    }
    for (const std::size_t slot : added) taken[slot] = false;
    passes_.push_back(std::move(pass));
  }
  return static_cast<Index>(taken.size());
}

void GradientAccumulator::ready_from(Index pass, Index offset) {
  if (std::exchange(running_, pass) != pass) added_from_ = size_;
  const Index end = std::exchange(added_from_, offset);
  const std::vector<Addition>& additions = passes_[static_cast<std::size_t>(pass)].additions;
  if (additions.empty() || offset == end) return;
  assert(offset < end);
  parallel_for_tiles(end - offset, kElementTile, [&](Index first, Index last) {
    for (const Addition& a : additions) {
      for (Index i = offset + first; i < offset + last; ++i) a.to[i] += a.from[i];
    }
  });
}

}  // namespace lockstep
