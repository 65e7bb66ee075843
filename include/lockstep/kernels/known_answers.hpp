#pragma once

#include <string>

namespace lockstep::kernels {

/// Multiplies in every register form of the inner loops and compares with one std::fma after the
/// other, bit by bit; some 0.1 ms. Returns what differs, or nothing.
[[nodiscard]] std::string check_known_answers();

}  // namespace lockstep::kernels
