#pragma once

#include <vector>

#include "lockstep/base/types.hpp"
#include "lockstep/comm/tags.hpp"

namespace lockstep {

/// How a flat buffer of gradients travels and who owns what of it. It is cut into buckets; each
/// bucket is cut into one slice per rank, at multiples of kGranule. A rank sums, and later updates,
/// its slice of every bucket.
class BucketLayout {
 public:
  /// Slices are cut at multiples of this many numbers, so that sums over fixed blocks of it lie
  /// within one rank.
  static constexpr Index kGranule = 1024;

  /// The most buckets: each has an MPI tag of its own, of which 32767 are sure.
  static constexpr Index kMostBuckets = 16384;
  static_assert(bucket_tag(kMostBuckets - 1) <= kLastBucketTag);

  /// `bucket` is rounded up to a multiple of kGranule, and further if there would be more than
  /// kMostBuckets.
  BucketLayout(Index size, Index bucket, int ranks);

  [[nodiscard]] Index size() const { return size_; }
  [[nodiscard]] int ranks() const { return ranks_; }
  [[nodiscard]] int buckets() const { return static_cast<int>((size_ + bucket_ - 1) / bucket_); }
  [[nodiscard]] Range bucket(int index) const;
  /// The part of bucket `index` that `rank` owns; may be empty.
  [[nodiscard]] Range slice(int index, int rank) const;
  /// All slices of `rank` that are not empty, in the order of the buffer.
  [[nodiscard]] std::vector<Range> slices(int rank) const;
  /// Numbers that `rank` owns.
  [[nodiscard]] Index owned(int rank) const;

 private:
  Index size_;
  Index bucket_;
  int ranks_;
};

}  // namespace lockstep
