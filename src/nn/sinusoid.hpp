#pragma once

#include <cmath>

#include "lockstep/base/types.hpp"

/// Sines and cosines from + - * alone, in double and with errors below 1e-9: rounded to float they
/// are the same bits everywhere.
namespace lockstep::elementary {

struct SineCosine {
  double sine;
  double cosine;
};

/// For 0 <= x < 10^6.
[[nodiscard]] inline SineCosine sine_cosine(double x) {
  // x = n pi / 2 + r; pi / 2 in two parts, of which the first has so few bits that n times it is
  // exact.
  const double n = std::floor(x * 0.63661977236758134 + 0.5);
  const double r = (x - n * 1.5707963267341256) - n * 6.0771005065061922e-11;
  const double q = r * r;
  const double s =
      r * (1 + q * (-1.0 / 6 + q * (1.0 / 120 + q * (-1.0 / 5040 +
                                                     q * (1.0 / 362880 + q * (-1.0 / 39916800))))));
  const double c =
      1 + q * (-0.5 + q * (1.0 / 24 +
                           q * (-1.0 / 720 +
                                q * (1.0 / 40320 + q * (-1.0 / 3628800 + q * (1.0 / 479001600))))));
  switch (static_cast<Index>(n) % 4) {
    case 0:
      return {s, c};
    case 1:
      return {c, -s};
    case 2:
      return {-s, -c};
    default:
      return {-c, s};
  }
}

/// 10000^(-x) for 0 <= x <= 1.
[[nodiscard]] inline double wave_number(double x) {
  constexpr double kLog = 9.2103403719761836;  // of 10000
  constexpr int kSquarings = 10;
  const double y = -x * kLog / (1 << kSquarings);
  double power = 1 + y * (1 + y / 2 * (1 + y / 3 * (1 + y / 4 * (1 + y / 5 * (1 + y / 6)))));
  for (int i = 0; i < kSquarings; ++i) power *= power;
  return power;
}

}  // namespace lockstep::elementary
