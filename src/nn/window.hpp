#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "lockstep/base/error.hpp"
#include "lockstep/kernels/conv.hpp"

namespace lockstep {

/// A window on an axis of `length` for a layer of this type; `padding` zeros stand on each side, or
/// as many as "same" needs.
/// Errors: throws if padding is negative or as wide as the window, or if the window does not fit.
[[nodiscard]] inline kernels::Window window_on(std::string_view type, Index length,
                                               kernels::Window window,
                                               const std::optional<Index>& padding) {
  if (padding) {
    window.before = window.after = *padding;
  } else {
    const Index positions = pieces_of(length, window.stride);
    const Index zeros =
        std::max<Index>((positions - 1) * window.stride + window.span() - length, 0);
    window.before = zeros / 2;
    window.after = zeros - window.before;
  }
  if (window.before < 0 || window.before >= window.span()) {
    throw Error(ExitCode::config,
                fmt::format("{}: pad must be at least 0 and below the window's {} places, found {}",
                            type, window.span(), window.before));
  }
  if (window.positions(length) < 1) {
    throw Error(ExitCode::config,
                fmt::format("{}: a window of {} places does not fit {} places with {} of padding; "
                            "set a smaller kernel or more padding",
                            type, window.span(), length, window.before + window.after));
  }
  return window;
}

/// Errors: throws if `value` is below 1.
inline void require_positive(std::string_view type, std::string_view key, Index value) {
  if (value >= 1) return;
  throw Error(ExitCode::config, fmt::format("{}: {} must be at least 1, found {}; set {} to 1 or "
                                            "more",
                                            type, key, value, key));
}

}  // namespace lockstep
