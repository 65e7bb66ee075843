#pragma once

namespace lockstep {

/// The tag of messages about a bucket. MPI promises tags up to 32767; messages with the same tag
/// between two ranks keep their order, so that two buckets may share one.
[[nodiscard]] constexpr int bucket_tag(int bucket) { return 1 + bucket % 30000; }

/// The tag of updated parameters and of gathered state.
inline constexpr int kSliceTag = 31000;

}  // namespace lockstep
