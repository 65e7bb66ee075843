#pragma once

#include "lockstep/reduce/bucket_layout.hpp"

namespace lockstep {

/// The tag of messages about a bucket: one for each, since rounds of several may be under way
/// between the same ranks. MPI promises tags up to 32767.
[[nodiscard]] constexpr int bucket_tag(int bucket) { return 1 + bucket; }
static_assert(bucket_tag(BucketLayout::kMostBuckets) < 30000);

/// The tag of updated parameters and of gathered state.
inline constexpr int kSliceTag = 31000;

}  // namespace lockstep
