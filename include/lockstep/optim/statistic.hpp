#pragma once

#include <span>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// Moves statistics towards what a step measured: w += averaging * (sum / samples - w). Each number
/// on its own; samples >= 1.
void average_statistics(std::span<Real> statistics, std::span<const Real> sums, double averaging,
                        Index samples);

/// Exponential moving average e of weights w, with decay d in [0, 1): e = d e + (1 - d) w, computed
/// as e += (1 - d) (w - e), so that an average that equals its weights stays. Each number on its
/// own.
void average_weights(std::span<Real> average, std::span<const Real> weights, double decay);

}  // namespace lockstep
