#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "base/exponential.hpp"
#include "lockstep/base/types.hpp"

/// Elementary functions whose bits depend on the argument alone.
///
/// In float they are written without branches from + - * / and shifts of the exponent, each rounded
/// on its own: the compiler turns loops over them into vector code in which every lane does what
/// the scalar tail does. No fused multiply-add is used, so that processors with and without it
/// agree. Largest errors found, against double precision, over an even sample of all floats: exp 1
/// ulp, tanh 1.4, sigmoid 2.4, gelu 5 (8 below x = -12.8, where Phi is denormal). NaN gives NaN,
/// and so does gelu of minus infinity.
///
/// In double, which exists for gradient checks only, they are the standard library's.
namespace lockstep::elementary {

/// A function and its derivative at one point.
struct ValueAndSlope {
  Real value;
  Real slope;
};

/// The standard normal distribution at one point.
struct Normal {
  Real cumulative;
  Real density;
};

#ifndef LOCKSTEP_DOUBLE

[[nodiscard]] inline Real tanh(Real x) {
  const float a = std::fabs(x);
  const float z = x * x;
  const float near = detail::polynomial(z, -0.333333343f, 0.133332998f, -0.0539584607f,
                                        0.0217625033f, -0.00832318701f, 0.0022695018f);
  const float small = a + a * z * near;
  const float large = 1.0f - 2.0f / (exp(a + a) + 1.0f);
  return std::copysign(a < 0.625f ? small : large, x);
}

/// 1 / (1 + exp(-x)).
[[nodiscard]] inline Real sigmoid(Real x) {
  const float e = exp(-std::fabs(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/// Cumulative(-t) = exp(-t^2 / 2) g(t) for t >= 0, with a polynomial for (1 + t) g(t) in (t - 4) /
/// (t + 4).
[[nodiscard]] inline Normal normal(Real x) {
  float t = std::fabs(x);
  t = t > 15.0f ? 15.0f : t;  // beyond, the tail is below the smallest float
  // t^2 as an exact square and a small rest: exp would magnify the rounding error of t * t.
  const float head = std::bit_cast<float>(std::bit_cast<std::uint32_t>(t) & 0xfffff000u);
  const float e = detail::exp(-0.5f * (head * head), -0.5f * ((t - head) * (t + head)));
  const float u = (t - 4.0f) / (t + 4.0f);
  const float g = detail::polynomial(u, 0.472053219f, -0.0967033957f, 0.0139985378f, 0.0285975606f,
                                     -0.0321839078f, 0.0179660544f, -0.00505424649f,
                                     -0.000411906581f, 0.000726245818f, 9.1524745e-05f);
  const float tail = e * (g / (1.0f + t));
  return {x < 0.0f ? tail : 1.0f - tail, 0.398942280f * e};
}

#else

[[nodiscard]] inline Real tanh(Real x) { return std::tanh(x); }
[[nodiscard]] inline Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }
[[nodiscard]] inline Normal normal(Real x) {
  return {std::erfc(-x * 0.70710678118654752) / 2, std::exp(-x * x / 2) * 0.39894228040143268};
}

#endif

/// x Phi(x).
[[nodiscard]] inline Real gelu(Real x) { return x * normal(x).cumulative; }

/// The same and d/dx x Phi(x) = Phi(x) + x phi(x).
[[nodiscard]] inline ValueAndSlope gelu_with_slope(Real x) {
  const Normal n = normal(x);
  return {x * n.cumulative, n.cumulative + x * n.density};
}

}  // namespace lockstep::elementary
