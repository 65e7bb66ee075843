#pragma once

#include <string>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// What to say of samples, read with `channels_first` or without, whose height or width is the
/// number of colours, so that their channels may lie elsewhere; empty if nothing looks like it.
[[nodiscard]] std::string layout_hint(const Dataset& data, bool channels_first);

}  // namespace lockstep
