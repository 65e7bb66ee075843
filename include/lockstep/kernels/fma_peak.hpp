#pragma once

#include <cstdint>

namespace lockstep::kernels {

/// Rounds of multiply-adds in registers, one for each of as many independent sums as keep the
/// processor busy; returns the floating-point operations done.
double multiply_add(std::int64_t rounds);

/// The most floating-point operations per second of one core: the best of several bursts of
/// multiply_add, together some 25 ms.
[[nodiscard]] double fma_peak();

}  // namespace lockstep::kernels
