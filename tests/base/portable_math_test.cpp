#include "lockstep/base/portable_math.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lockstep/base/random.hpp"

namespace lockstep {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kPoints = 100'000;

/// The largest error at many points of [low, high], in units in the last place of the right result.
template <typename Function, typename Right>
double worst_error(double low, double high, const Function& function, const Right& right) {
  double worst = 0;
  for (std::uint64_t i = 0; i < kPoints; ++i) {
    const double x = low + (high - low) * (random_uniform({.seed = 1}, 2 * i) +
                                           0x1p-24 * random_uniform({.seed = 1}, 2 * i + 1));
    const long double expected = right(static_cast<long double>(x));
    const double size = std::fabs(static_cast<double>(expected));
    const double unit = std::nextafter(size, kInfinity) - size;
    const auto error = std::fabs(static_cast<long double>(function(x)) - expected);
    worst = std::max(worst, static_cast<double>(error) / unit);
  }
  return worst;
}

TEST(PortableMath, IsWithinALastPlaceOfAWiderType) {
  ASSERT_GT(std::numeric_limits<long double>::digits, std::numeric_limits<double>::digits);
  const auto exp = [](auto x) { return std::exp(x); };
  const auto log = [](auto x) { return std::log(x); };
  EXPECT_LT(worst_error(-700, 700, portable::exp, exp), 0.8);
  EXPECT_LT(worst_error(-1, 1, portable::exp, exp), 0.8);
  EXPECT_LT(worst_error(0, 1, portable::log, log), 0.8);
  EXPECT_LT(worst_error(0.3, 3, portable::log, log), 0.8);
  EXPECT_LT(worst_error(1, 1e300, portable::log, log), 0.8);
  EXPECT_LT(worst_error(-1e6, 1e6, portable::cos, [](auto x) { return std::cos(x); }), 0.8);
  EXPECT_LT(worst_error(-7, 7, portable::sin, [](auto x) { return std::sin(x); }), 0.8);
  for (const double y : {0.1, 0.5, 1.0, 2.5, 1000.0}) {
    const auto ours = [y](double x) { return portable::pow(x, y); };
    const auto right = [y](long double x) { return std::pow(x, static_cast<long double>(y)); };
    EXPECT_LT(worst_error(0.6, 1.9, ours, right), 0.8 + y * std::log(1.9) / 30) << y;
  }
}

TEST(PortableMath, AtTheEdges) {
  EXPECT_EQ(portable::exp(0), 1);
  EXPECT_EQ(portable::exp(709.9), kInfinity);
  EXPECT_EQ(portable::exp(-750), 0);
  EXPECT_GT(portable::exp(-740), 0);  // denormal
  EXPECT_TRUE(std::isfinite(portable::exp(709.7)));
  EXPECT_TRUE(std::isnan(portable::exp(std::nan(""))));
  EXPECT_EQ(portable::log(1), 0);
  EXPECT_EQ(portable::log(0), -kInfinity);
  EXPECT_EQ(portable::log(kInfinity), kInfinity);
  EXPECT_EQ(portable::log(5e-324), std::log(5e-324));
  EXPECT_TRUE(std::isnan(portable::log(-1)));
  EXPECT_TRUE(std::isnan(portable::log(std::nan(""))));
  EXPECT_EQ(portable::cos(0), 1);
  EXPECT_EQ(portable::sin(0), 0);
  EXPECT_EQ(portable::pow(0, 2), 0);
  EXPECT_EQ(portable::pow(0, 0), 1);
  EXPECT_EQ(portable::pow(0, -1), kInfinity);
  EXPECT_EQ(portable::pow(kInfinity, 0.5), kInfinity);
  EXPECT_EQ(portable::pow(kInfinity, -1), 0);
  EXPECT_EQ(portable::pow(2, kInfinity), kInfinity);
  EXPECT_EQ(portable::pow(0.5, kInfinity), 0);
  EXPECT_TRUE(std::isnan(portable::pow(std::nan(""), 2)));
  EXPECT_TRUE(std::isnan(portable::pow(2, std::nan(""))));
  EXPECT_EQ(portable::exp(kInfinity), kInfinity);
  EXPECT_EQ(portable::exp(-kInfinity), 0);
}

TEST(PortableMath, PowersThatAreNumbersAreExact) {
  EXPECT_EQ(portable::pow(0.5, 3), 0.125);
  EXPECT_EQ(portable::pow(10, 15), 1e15);
  EXPECT_EQ(portable::pow(3, 20), 3486784401.0);
  for (const double x : {0.9, 0.999, 0.1, 1.7}) EXPECT_EQ(portable::pow(x, 1), x);
}

}  // namespace
}  // namespace lockstep
