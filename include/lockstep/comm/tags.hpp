#pragma once

namespace lockstep {

// Tags of all messages between two ranks. MPI promises tags up to 32767.

/// Of a bucket's gradient: one for each bucket, since several may be under way between the same
/// ranks.
[[nodiscard]] constexpr int bucket_tag(int bucket) { return 1 + bucket; }
/// Buckets have tags up to here.
inline constexpr int kLastBucketTag = 29999;

inline constexpr int kSliceTag = 31000;       ///< updated parameters, gathered state
inline constexpr int kPredictionTag = 31001;  ///< predictions on their way to rank 0
inline constexpr int kBulletinTag = 31002;    ///< of AllGatherBoard

}  // namespace lockstep
