#pragma once

#include <chrono>

namespace lockstep {

/// Seconds on a clock that never goes back; differences only.
[[nodiscard]] inline double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace lockstep
