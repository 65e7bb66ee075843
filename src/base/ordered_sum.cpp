#include "lockstep/base/ordered_sum.hpp"

#include <bit>
#include <cassert>

#include "lockstep/base/buffer.hpp"

namespace lockstep {

Index OrderedSum::memory_for(Index microbatches, Index length) {
  // Blocks on the stack are of falling powers of two, and one more is being written.
  const auto levels =
      static_cast<Index>(std::bit_width(static_cast<std::size_t>(microbatches))) + 1;
  return levels * aligned<Real>(length);
}

OrderedSum::OrderedSum(std::span<Real> memory, Index length)
    : memory_(memory), length_(length), stride_(aligned<Real>(length)) {}

std::span<Real> OrderedSum::next() const {
  assert((depth_ + 1) * stride_ <= static_cast<Index>(memory_.size()));
  return {level(depth_), static_cast<std::size_t>(length_)};
}

void OrderedSum::push(MicrobatchRange block) {
  assert(depth_ < kMaxDepth);
  assert(depth_ == 0 || stack_[static_cast<std::size_t>(depth_ - 1)].end() == block.first);
  stack_[static_cast<std::size_t>(depth_++)] = block;
  merge_pairs();
}

std::span<Real> OrderedSum::partner(MicrobatchRange block) const {
  if (depth_ == 0 || !is_pair(stack_[static_cast<std::size_t>(depth_ - 1)], block)) return {};
  return {level(depth_ - 1), static_cast<std::size_t>(length_)};
}

void OrderedSum::merged(MicrobatchRange block) {
  assert(!partner(block).empty() || length_ == 0);
  stack_[static_cast<std::size_t>(depth_ - 1)].count += block.count;
  merge_pairs();
}

void OrderedSum::merge_pairs() {
  while (depth_ >= 2 && is_pair(stack_[static_cast<std::size_t>(depth_ - 2)],
                                stack_[static_cast<std::size_t>(depth_ - 1)])) {
    merge_last_two();
  }
}

std::span<const Real> OrderedSum::finish() {
  assert(depth_ >= 1);
  while (depth_ >= 2) merge_last_two();
  return {level(0), static_cast<std::size_t>(length_)};
}

void OrderedSum::merge_last_two() {
  Real* left = level(depth_ - 2);
  const Real* right = level(depth_ - 1);
  for (Index i = 0; i < length_; ++i) left[i] += right[i];
  stack_[static_cast<std::size_t>(depth_ - 2)].count +=
      stack_[static_cast<std::size_t>(depth_ - 1)].count;
  --depth_;
}

}  // namespace lockstep
