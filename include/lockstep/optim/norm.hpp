#pragma once

#include <span>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// Norms over a whole flat buffer are sums over fixed blocks of this many numbers, added in order;
/// slices that ranks own are cut at its multiples.
inline constexpr Index kNormBlock = 1024;

/// The sum of squares, in double, of each block of `values`; values.size() may end within a block.
void block_square_sums(std::span<const Real> values, std::span<double> sums);

/// The factor that brings a gradient of this norm to at most `limit`: min(1, limit / (norm +
/// 1e-6)); 1 if limit is 0. The same rule as torch.nn.utils.clip_grad_norm_.
[[nodiscard]] double clip_scale(double norm, double limit);

}  // namespace lockstep
