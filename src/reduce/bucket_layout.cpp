#include "lockstep/reduce/bucket_layout.hpp"

#include <algorithm>
#include <cassert>

namespace lockstep {

BucketLayout::BucketLayout(Index size, Index bucket, int ranks)
    : size_(size),
      bucket_(std::max<Index>(
                  {pieces_of(bucket, kGranule), pieces_of(size, kGranule * kMostBuckets), 1}) *
              kGranule),
      ranks_(ranks) {
  assert(size >= 0 && ranks >= 1);
}

Range BucketLayout::bucket(int index) const {
  const Index begin = index * bucket_;
  return {begin, std::min(begin + bucket_, size_)};
}

Range BucketLayout::slice(int index, int rank) const {
  const Range whole = bucket(index);
  const Index granules = (whole.size() + kGranule - 1) / kGranule;
  const auto cut = [&](int r) {
    return std::min(whole.begin + granules * r / ranks_ * kGranule, whole.end);
  };
  return {cut(rank), cut(rank + 1)};
}

std::vector<Range> BucketLayout::slices(int rank) const {
  std::vector<Range> slices;
  for (int b = 0; b < buckets(); ++b) {
    const Range s = slice(b, rank);
    if (s.size() > 0) slices.push_back(s);
  }
  return slices;
}

Index BucketLayout::owned(int rank) const {
  Index count = 0;
  for (const Range& s : slices(rank)) count += s.size();
  return count;
}

}  // namespace lockstep
