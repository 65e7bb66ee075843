#include "lockstep/base/portable_math.hpp"

#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <limits>

namespace lockstep::portable {
namespace {

/// A number as a sum whose second part is below half a unit in the last place of the first.
struct Sum {
  double high = 0;
  double low = 0;
};

/// Exactly a + b, for |a| >= |b| or a = 0.
/// Source: T. J. Dekker, 1971.
Sum add(double a, double b) {
  const double high = a + b;
  return {high, b - (high - a)};
}

/// Exactly a * b.
Sum multiply(double a, double b) {
  const double high = a * b;
  return {high, std::fma(a, b, -high)};
}

/// c[0] + c[1] x + c[2] x^2 + ... by Horner's rule.
template <std::size_t kCount>
double polynomial(double x, const std::array<double, kCount>& c) {
  double sum = c[kCount - 1];
  for (std::size_t i = kCount - 1; i > 0; --i) sum = std::fma(sum, x, c[i - 1]);
  return sum;
}

/// factor / first!, factor / (first + step)!, ...; a negative factor alternates.
template <std::size_t kCount>
constexpr std::array<double, kCount> inverse_factorials(int first, int step, double sign) {
  std::array<double, kCount> c{};
  double factorial = 1;  // exact up to 22!
  for (int i = 2; i <= first; ++i) factorial *= i;
  double factor = 1;
  for (std::size_t k = 0; k < kCount; ++k) {
    c[k] = factor / factorial;
    factor *= sign;
    for (int i = 1; i <= step; ++i) factorial *= first + static_cast<int>(k) * step + i;
  }
  return c;
}

// log 2 in two parts, of which the first has so few bits that its product with an exponent is
// exact.
constexpr double kLog2High = 0x1.62e42feep-1;
constexpr double kLog2Low = 0x1.a39ef35793c76p-33;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// 2^n for n in [-1022, 1023].
double power_of_two(int n) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

/// Rounds to an integer, for |x| < 2^51.
double nearest_integer(double x) {
  constexpr double kRound = 0x1.8p52;
  return (x + kRound) - kRound;
}

/// log x = k log 2 + log m with m in [sqrt(1/2), sqrt(2)), and log m = 2 atanh(s) = 2 (s + s^3 / 3
/// + s^5 / 5 + ...) with s = (m - 1) / (m + 1), |s| < 0.172. For finite x > 0.
Sum log_sum(double x) {
  int exponent = 0;
  double m = x;
  if (m < std::numeric_limits<double>::min()) {
    m *= 0x1p54;
    exponent = -54;
  }
  constexpr std::uint64_t kFraction = (std::uint64_t{1} << 52) - 1;
  const auto bits = std::bit_cast<std::uint64_t>(m);
  exponent += static_cast<int>(bits >> 52) - 1023;
  m = std::bit_cast<double>((bits & kFraction) | std::uint64_t{1023} << 52);
  if (m > 1.4142135623730951) {
    m /= 2;
    ++exponent;
  }
  const double above = m - 1;  // exact
  const Sum below = add(m > 1 ? m : 1, m > 1 ? 1 : m);
  const double s = above / below.high;
  const double rest =
      (std::fma(-s, below.high, above) - s * below.low) / below.high;  // of the division
  static constexpr std::array<double, 11> kSeries = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,
                                                     2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17,
                                                     2.0 / 19, 2.0 / 21, 2.0 / 23};
  const double z = s * s;
  const double series = s * z * polynomial(z, kSeries);
  const double k = exponent;
  const Sum first = add(k * kLog2High, 2 * s);
  return add(first.high, first.low + (k * kLog2Low + (2 * rest + series)));
}

/// exp(high + low) = 2^n exp(r), with |r| <= log(2) / 2.
double exp_of(double high, double low) {
  if (high > 709.8) return kInfinity;
  if (high < -745.2) return 0;
  const double n = nearest_integer(high * 1.4426950408889634);
  const double first = std::fma(-n, kLog2High, high);  // exact
  const double second = n * kLog2Low;
  const double difference = first - second;
  const Sum r = add(difference, ((first - difference) - second) + low);
  static constexpr auto kSeries = inverse_factorials<13>(2, 1, 1);
  const Sum one = add(1, r.high);
  const double curved = r.high * (r.low + r.high * polynomial(r.high, kSeries));
  const double value = one.high + (one.low + (r.low + curved));
  const int exponent = static_cast<int>(n);
  const int half = exponent / 2;  // in two factors: denormal results, and 2^1024
  return value * power_of_two(half) * power_of_two(exponent - half);
}

/// x = quarter pi / 2 + angle, |angle| <= pi / 4.
struct Reduced {
  Sum angle;
  std::int64_t quarter;
};

Reduced reduce(double x) {
  assert(std::fabs(x) <= 1e6);
  const double k = nearest_integer(x * 0.63661977236758134);
  const double first = std::fma(-k, 0x1.921fb54442d18p0, x);  // exact
  const Sum second = multiply(k, 0x1.1a62633145c07p-54);
  const double high = first - second.high;
  const double low = ((first - high) - second.high) - second.low;
  return {{high, low}, static_cast<std::int64_t>(k)};
}

double sin_near_zero(const Sum& x) {
  static constexpr auto kSeries = inverse_factorials<9>(3, 2, -1);
  const double z = x.high * x.high;
  return x.high + (x.low * (1 - z / 2) - x.high * z * polynomial(z, kSeries));
}

double cos_near_zero(const Sum& x) {
  static constexpr auto kSeries = inverse_factorials<8>(4, 2, -1);
  const Sum z = multiply(x.high, x.high);
  const Sum head = add(1, -z.high / 2);
  const double rest = head.low - (z.low / 2 + x.high * x.low);
  return head.high + (rest + z.high * z.high * polynomial(z.high, kSeries));
}

/// sin(x + quarters pi / 2).
double sin_shifted(double x, std::int64_t quarters) {
  const Reduced reduced = reduce(x);
  const std::int64_t quarter = (reduced.quarter + quarters) & 3;
  const double size =
      quarter % 2 == 0 ? sin_near_zero(reduced.angle) : cos_near_zero(reduced.angle);
  return quarter < 2 ? size : -size;
}

}  // namespace

double exp(double x) { return std::isnan(x) ? x : exp_of(x, 0); }

double log(double x) {
  if (x == 0) return -kInfinity;
  if (!(x > 0)) return std::numeric_limits<double>::quiet_NaN();
  if (x == kInfinity) return x;
  const Sum sum = log_sum(x);
  return sum.high + sum.low;
}

double pow(double x, double y) {
  if (std::isnan(x) || std::isnan(y)) return x + y;
  assert(x >= 0);
  if (y == 0 || x == 1) return 1;
  if (x == 0) return y > 0 ? 0 : kInfinity;
  if (x == kInfinity) return y > 0 ? kInfinity : 0;
  const Sum logarithm = log_sum(x);
  const Sum product = multiply(y, logarithm.high);
  return exp_of(product.high, std::fma(y, logarithm.low, product.low));
}

double cos(double x) { return sin_shifted(x, 1); }

double sin(double x) { return sin_shifted(x, 0); }

}  // namespace lockstep::portable
