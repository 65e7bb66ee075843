#pragma once

#include <cstdint>

namespace lockstep::benchmarks {

/// Multiply-adds that touch registers only: `count` rounds of one for each accumulator. Returns
/// their number in FLOPs, 2 for each element of a vector.
double multiply_add(std::int64_t count);

/// FLOP/s of one core on multiply-adds alone: the fastest of several bursts of a few milliseconds.
[[nodiscard]] double fma_peak();

}  // namespace lockstep::benchmarks
