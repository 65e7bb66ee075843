#pragma once

#include <vector>

#include "lockstep/base/microbatches.hpp"

namespace lockstep {

/// How a rank computes its share: in rounds, one after the other, and each round in parts, one for
/// each thread, or one for all threads together. No bit depends on it.
using AccumulationPlan = std::vector<std::vector<MicrobatchRange>>;

/// A share cut into `rounds` rounds, but at least one microbatch each, as equal as possible, in
/// order. Each round has a part for each thread if that keeps the threads busy, else one part.
[[nodiscard]] AccumulationPlan cut_into_rounds(MicrobatchRange share, Index rounds, int threads);

/// Into how many rounds a share of `count` microbatches is best cut. What one layer leaves shall
/// still lie in the caches when the next one takes it; but each part writes a gradient, which is
/// added to that of the others. So a round has for each thread at least as many activations as
/// there are parameters, and as fill a cache. `activations`: of all layers, of the whole share.
[[nodiscard]] Index rounds_for_speed(Index count, Index activations, Index parameters, int threads);

/// The most samples that one of the parts can receive from a batch of up to `samples`.
[[nodiscard]] Index most_samples(const AccumulationPlan& rounds, Index samples, Index microbatches);

/// The most microbatches in one of the parts.
[[nodiscard]] Index most_microbatches(const AccumulationPlan& rounds);

/// The most parts in one of the rounds.
[[nodiscard]] Index most_parts(const AccumulationPlan& rounds);

}  // namespace lockstep
