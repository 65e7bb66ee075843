#pragma once

#include <string_view>
#include <vector>

#include "lockstep/run/checkpoint.hpp"
#include "lockstep/setup/setup.hpp"

namespace lockstep {

/// Names of what the optimizer keeps, and of the average of the weights if there is one, in the
/// order in which a trainer has them.
[[nodiscard]] std::vector<std::string_view> state_slots(const Setup& setup);

/// What checkpoints say of a run, before its first step.
[[nodiscard]] CheckpointInfo info_of(const Setup& setup, Index microbatches);

}  // namespace lockstep
