#pragma once

#include <span>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// A contiguous range of the microbatches of one global batch: [first, first + count).
struct MicrobatchRange {
  Index first = 0;
  Index count = 0;

  [[nodiscard]] Index end() const { return first + count; }
  friend bool operator==(const MicrobatchRange&, const MicrobatchRange&) = default;
};

/// The gradient of one aligned block of microbatches: a flat buffer laid out like the parameters.
struct GradientBlock {
  MicrobatchRange block;
  std::span<Real> values;
};

/// One microbatch as a rank sees it.
struct Microbatch {
  Index index = 0;      ///< its number in the global batch
  Index first_row = 0;  ///< its first sample, counted within the pass
  Index rows = 0;       ///< its samples; may be 0 in a small last batch
};

/// The range of `microbatches` that `rank` of `ranks` computes: as equal as possible, in order.
[[nodiscard]] MicrobatchRange microbatches_of(Index rank, Index ranks, Index microbatches);

/// Cuts a share into its maximal aligned blocks, left to right: a block of 2^k microbatches starts
/// at a multiple of 2^k. These are the subtrees of the ordered sum that one rank can finish alone.
[[nodiscard]] std::vector<MicrobatchRange> aligned_blocks(MicrobatchRange share);

/// Where microbatch `index` of `microbatches` starts within a batch of `samples`: floor(samples *
/// index / microbatches). Depends on nothing else, so that every rank count cuts a batch at the
/// same places.
[[nodiscard]] constexpr Index microbatch_begin(Index samples, Index index, Index microbatches) {
  return samples / microbatches * index + samples % microbatches * index / microbatches;
}

/// The largest number of samples that `share` can receive from a batch of `samples`.
[[nodiscard]] Index samples_in(MicrobatchRange share, Index samples, Index microbatches);

/// The microbatches of `share` of a batch of `samples`, written to `out` (out.size() ==
/// share.count).
void cut_batch(MicrobatchRange share, Index samples, Index microbatches, std::span<Microbatch> out);

}  // namespace lockstep
