#include "lockstep/base/microbatches.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace lockstep {

MicrobatchRange microbatches_of(Index rank, Index ranks, Index microbatches) {
  assert(0 <= rank && rank < ranks && ranks <= microbatches);
  const Index begin = microbatches * rank / ranks;
  return {begin, microbatches * (rank + 1) / ranks - begin};
}

std::vector<MicrobatchRange> aligned_blocks(MicrobatchRange share) {
  std::vector<MicrobatchRange> blocks;
  for (Index at = share.first; at < share.end();) {
    const auto room = std::bit_floor(static_cast<std::size_t>(share.end() - at));
    const auto alignment = at == 0 ? room : static_cast<std::size_t>(at & -at);
    const auto count = static_cast<Index>(std::min(room, alignment));
    blocks.push_back({at, count});
    at += count;
  }
  return blocks;
}

Index samples_in(MicrobatchRange share, Index samples, Index microbatches) {
  return microbatch_begin(samples, share.end(), microbatches) -
         microbatch_begin(samples, share.first, microbatches);
}

void cut_batch(MicrobatchRange share, Index samples, Index microbatches,
               std::span<Microbatch> out) {
  assert(static_cast<Index>(out.size()) == share.count);
  const Index base = microbatch_begin(samples, share.first, microbatches);
  for (Index i = 0; i < share.count; ++i) {
    const Index index = share.first + i;
    const Index begin = microbatch_begin(samples, index, microbatches);
    const Index end = microbatch_begin(samples, index + 1, microbatches);
    out[static_cast<std::size_t>(i)] = {index, begin - base, end - begin};
  }
}

}  // namespace lockstep
