#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "lockstep/base/microbatches.hpp"

namespace lockstep {

/// The sum over microbatches on one fixed binary tree: [0, M) is split at the largest power of two
/// below its length and the two halves are added. The result depends on M and the leaf values only,
/// not on how the leaves were grouped.
///
/// Blocks are pushed from left to right, each the finished sum of its microbatches. While the last
/// two have equal count c and the left one starts at a multiple of 2c, they are added; `finish`
/// folds the rest from the right.
///
///     OrderedSum sum(memory, length);
///     for (block : blocks) { write(sum.next()); sum.push(block); }
///     use(sum.finish());
class OrderedSum {
 public:
  static constexpr Index kMaxDepth = 40;

  /// Numbers of memory that a sum of up to `microbatches` leaves of `length` numbers needs.
  [[nodiscard]] static Index memory_for(Index microbatches, Index length);

  OrderedSum(std::span<Real> memory, Index length);

  /// Where the values of the next block are to be written.
  [[nodiscard]] std::span<Real> next() const;
  /// Takes what was written to `next()` as the sum over the microbatches of `block`.
  void push(MicrobatchRange block);
  /// What `block` would be added to at once if it were pushed next; empty if nothing. Whoever adds
  /// it there without writing it to `next()` first says so by `merged(block)` instead of `push`.
  [[nodiscard]] std::span<Real> partner(MicrobatchRange block) const;
  void merged(MicrobatchRange block);
  /// The sum of all blocks; at least one was pushed. Valid until the next push.
  [[nodiscard]] std::span<const Real> finish();
  /// Whether two neighbouring blocks are the halves of one block of the tree: their sum may then be
  /// pushed in their place.
  [[nodiscard]] static bool is_pair(MicrobatchRange left, MicrobatchRange right) {
    return left.count == right.count && left.first % (2 * left.count) == 0;
  }
  /// With how many sums before it the sum of one microbatch is added up as soon as it is pushed,
  /// if the microbatches from `first` on were pushed one by one.
  [[nodiscard]] static Index merges_after(Index microbatch, Index first) {
    const auto pushed = static_cast<std::uint64_t>(microbatch - first + 1);
    return std::min<Index>(std::countr_one(static_cast<std::uint64_t>(microbatch)),
                           static_cast<Index>(std::bit_width(pushed)) - 1);
  }
  /// Ready for a new sum.
  void clear() { depth_ = 0; }

 private:
  void merge_pairs();
  void merge_last_two();
  [[nodiscard]] Real* level(Index i) const { return memory_.data() + i * stride_; }

  std::span<Real> memory_;
  Index length_;
  Index stride_;
  Index depth_ = 0;
  std::array<MicrobatchRange, kMaxDepth> stack_{};
};

}  // namespace lockstep
