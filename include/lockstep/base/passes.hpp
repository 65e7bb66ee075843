#pragma once

#include <vector>

#include "lockstep/base/share.hpp"

namespace lockstep {

/// A share cut for `passes` passes that follow each other: as equal as possible, in order. A share
/// of fewer microbatches takes one pass for each of them.
[[nodiscard]] std::vector<Share> cut_for_passes(Share share, Index passes);

/// The most samples that one of the parts can receive from a batch of up to `samples`.
[[nodiscard]] Index most_samples(const std::vector<Share>& parts, Index samples,
                                 Index microbatches);

/// The most microbatches in one of the parts.
[[nodiscard]] Index most_microbatches(const std::vector<Share>& parts);

}  // namespace lockstep
