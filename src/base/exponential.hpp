#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "lockstep/base/types.hpp"

/// The exponential function, whose bits depend on the argument alone: see nn/elementary.hpp.
namespace lockstep::elementary {

#ifndef LOCKSTEP_DOUBLE

namespace detail {

/// c0 + c1 x + c2 x^2 + ... by Horner's rule.
inline float polynomial(float /*x*/, float c0) { return c0; }
template <typename... Coefficients>
float polynomial(float x, float c0, Coefficients... rest) {
  return c0 + x * polynomial(x, rest...);
}

/// 2^n for n in [-126, 127]; anything for other n.
inline float power_of_two(std::uint32_t n) { return std::bit_cast<float>((n + 127u) << 23); }

/// exp(x + correction) for a correction below 0.1: 2^n exp(r), x = n log 2 + r.
inline float exp(float x, float correction) {
  // Outside, the result is zero or infinity already; NaN passes both comparisons.
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
  constexpr float kRound = 12582912.0f;
  const float shifted = x * 1.44269504f + kRound;
  const std::uint32_t n =
      std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(kRound);
  const float whole = shifted - kRound;
  // log 2 in two parts, of which the first has so few bits that its product is exact.
  const float r = ((x - whole * 0.693359375f) + whole * 2.12194440e-4f) + correction;
  const float y = polynomial(r, 0.5f, 0.166666672f, 0.0416664481f, 0.00833330862f, 0.00139354519f,
                             0.00019892992f);
  // In two factors: denormal results are rounded once, in the last product.
  const auto half = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) >> 1);
  return (1.0f + (r + r * r * y)) * power_of_two(half) * power_of_two(n - half);
}

}  // namespace detail

[[nodiscard]] inline Real exp(Real x) { return detail::exp(x, 0.0f); }

#else

[[nodiscard]] inline Real exp(Real x) { return std::exp(x); }

#endif

}  // namespace lockstep::elementary
