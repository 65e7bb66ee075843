#pragma once

#include <span>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// Moves statistics towards what a step measured: w += averaging * (sum / samples - w). Each number
/// on its own; samples >= 1.
void average_statistics(std::span<Real> statistics, std::span<const Real> sums, double averaging,
                        Index samples);

}  // namespace lockstep
