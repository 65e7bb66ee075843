#pragma once

#include "setup/look/look.hpp"

namespace lockstep {

// batch_norm measures mean and deviation of the values of each channel in each microbatch. Of one
// value it makes 0, whatever it was: nothing is learned through it.

/// The most microbatches, each of which has two values or more in every layer that measures
/// statistics of microbatches, of a batch of so many samples; no limit but `batch` where no layer
/// does, and 1 at least.
[[nodiscard]] Index most_microbatches(const Network& network, Index batch);

/// How such a layer fares when an epoch of `samples` is cut into batches, and those into
/// microbatches: notes for values that stand alone.
/// Errors: Error(config) if in every microbatch of a whole batch of a run that `begins` one does.
[[nodiscard]] Notes look_at_statistics(const Network& network, Index samples, Index batch,
                                       Index microbatches, bool begins);

}  // namespace lockstep
