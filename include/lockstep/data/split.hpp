#pragma once

#include <cstdint>
#include <optional>

#include "lockstep/base/random.hpp"

namespace lockstep {

/// Some of the samples of a dataset, in a fixed order; it stores no list.
class Subset {
 public:
  /// All of `size` samples, in their order.
  static Subset whole(Index size);
  /// The samples that `order` puts at the positions [first, first + size).
  Subset(const Permutation& order, Index first, Index size)
      : order_(order), first_(first), size_(size), in_blocks_(size) {}
  /// The samples of whole blocks of `rows` neighbours: the blocks that `order` puts at the
  /// positions [first, first + count), then the `tail` samples behind all blocks.
  static Subset of_blocks(const Permutation& order, Index rows, Index first, Index count,
                          Index tail);

  [[nodiscard]] Index size() const { return size_; }
  /// The dataset's number of the i-th sample (i < size()).
  [[nodiscard]] Index operator[](Index i) const {
    if (!order_) return i;
    const auto size = static_cast<Index>(order_->size());
    if (i >= in_blocks_) return size * rows_ + i - in_blocks_;
    return static_cast<Index>((*order_)(static_cast<std::uint64_t>(first_ + i / rows_))) * rows_ +
           i % rows_;
  }

 private:
  explicit Subset(Index size) : size_(size) {}

  std::optional<Permutation> order_;
  Index first_ = 0;
  Index size_ = 0;
  Index rows_ = 1;       ///< of a block
  Index in_blocks_ = 0;  ///< samples before the tail
};

/// Two disjoint subsets that together hold every sample.
struct Split {
  Subset train;
  Subset validation;
};

/// Holds out max(1, floor(fraction * size)) samples, chosen by `seed`; none for fraction 0. With
/// `rows` above 1, whole blocks of so many neighbours are held out, and the samples behind the last
/// whole block are trained on.
/// Errors: config if the fraction is not in [0, 1) or no training sample would remain.
[[nodiscard]] Split hold_out(Index size, double fraction, std::uint64_t seed, Index rows = 1);

}  // namespace lockstep
