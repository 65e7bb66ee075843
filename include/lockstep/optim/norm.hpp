#pragma once

#include <span>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// Norms over flat buffers are sums over fixed pieces of at most this many numbers, added in order;
/// slices that ranks own are cut at its multiples.
inline constexpr Index kNormBlock = 1024;

/// The sum of the squares in double, in an order that depends on their number alone.
[[nodiscard]] double square_sum(std::span<const Real> values);

/// The factor that brings a gradient of this norm to at most `limit`: min(1, limit / (norm +
/// 1e-6)); 1 if limit is 0. The same rule as torch.nn.utils.clip_grad_norm_.
[[nodiscard]] double clip_scale(double norm, double limit);

}  // namespace lockstep
