#include "nn/elementary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace lockstep {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Case {
  const char* name;
  float (*ours)(float);
  double (*exact)(double);
  double ulps;   // allowed
  float lowest;  // least argument of the comparison
};

double exact_gelu(double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; }
double exact_sigmoid(double x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}

constexpr std::array kCases{
    Case{"exp", elementary::exp, std::exp, 1, -kInfinity},
    Case{"tanh", elementary::tanh, std::tanh, 1.4, -kInfinity},
    Case{"sigmoid", elementary::sigmoid, exact_sigmoid, 2.4, -kInfinity},
    Case{"gelu", elementary::gelu, exact_gelu, 5, -12.8f},
};

// The distance of neighbouring floats at `x`.
double ulp(double x) {
  int exponent = 0;
  std::frexp(x, &exponent);
  return std::ldexp(1.0, std::max(exponent - 24, -149));
}

TEST(Elementary, ErrorIsAFewUnitsInTheLastPlaceOverAllFloats) {
  for (const Case& c : kCases) {
    double worst = 0;
    for (std::uint64_t bits = 0; bits < (1ull << 32); bits += 4093) {
      const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
      if (!(x >= c.lowest)) continue;
      const double exact = c.exact(double{x});
      const float y = c.ours(x);
      if (std::isinf(static_cast<float>(exact))) {
        ASSERT_EQ(y, static_cast<float>(exact)) << c.name << " of " << x;
      } else {
        worst = std::max(worst, std::fabs(double{y} - exact) / ulp(exact));
      }
    }
    EXPECT_LE(worst, c.ulps) << c.name;
    EXPECT_GT(worst, 0.4) << c.name;
  }
}

TEST(Elementary, SlopeOfGeluIsExactToAFewTimesTheRoundingOfOne) {
  for (float x = -16; x < 16; x += 0.0007f) {
    const double exact = std::erfc(-double{x} / std::sqrt(2.0)) / 2 +
                         double{x} * std::exp(-double{x} * double{x} / 2) * 0.3989422804014327;
    ASSERT_NEAR(elementary::gelu_with_slope(x).slope, exact, 2e-7) << x;
  }
}

TEST(Elementary, NanPassesThrough) {
  for (const std::uint32_t bits : {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0x7fffffffu}) {
    const auto nan = std::bit_cast<float>(bits);
    for (const Case& c : kCases) EXPECT_TRUE(std::isnan(c.ours(nan))) << c.name;
    EXPECT_TRUE(std::isnan(elementary::gelu_with_slope(nan).slope));
  }
}

TEST(Elementary, LimitsAndCorners) {
  EXPECT_EQ(elementary::exp(0), 1);
  EXPECT_EQ(elementary::exp(-kInfinity), 0);
  EXPECT_EQ(elementary::exp(kInfinity), kInfinity);
  EXPECT_EQ(elementary::exp(89), kInfinity);
  EXPECT_EQ(elementary::exp(-104), 0);
  EXPECT_EQ(elementary::exp(-103.2f), std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(elementary::tanh(kInfinity), 1);
  EXPECT_EQ(elementary::tanh(-kInfinity), -1);
  EXPECT_EQ(elementary::tanh(1e-40f), 1e-40f);
  EXPECT_TRUE(std::signbit(elementary::tanh(-0.0f)));
  EXPECT_EQ(elementary::sigmoid(0), 0.5f);
  EXPECT_EQ(elementary::sigmoid(kInfinity), 1);
  EXPECT_EQ(elementary::sigmoid(-kInfinity), 0);
  EXPECT_GT(elementary::sigmoid(-100), 0);
  EXPECT_EQ(elementary::gelu(0), 0);
  EXPECT_EQ(elementary::gelu(20), 20);
  EXPECT_EQ(elementary::gelu(kInfinity), kInfinity);
}

// Whole vectors, tails and single calls must give the same bits.
TEST(Elementary, PlaceLengthAndAddressChangeNoBit) {
  std::vector<float> x(256);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = -14 + 0.11f * static_cast<float>(i);
  const auto check = [&](const char* name, auto function) {
    std::vector<float> alone;
    for (const float v : x) {
      volatile float one = v;  // not part of any vector
      alone.push_back(function(one));
    }
    std::vector<float> y(x.size());
    for (std::size_t first = 0; first < 40; ++first) {
      for (std::size_t count = 0; count < 80; ++count) {
        for (std::size_t i = 0; i < count; ++i) y[i] = function(x[first + i]);
        for (std::size_t i = 0; i < count; ++i) {
          ASSERT_EQ(std::bit_cast<std::uint32_t>(y[i]),
                    std::bit_cast<std::uint32_t>(alone[first + i]))
              << name << " of " << x[first + i] << " at " << first << " + " << i;
        }
      }
    }
  };
  check("exp", [](float v) { return elementary::exp(v); });
  check("tanh", [](float v) { return elementary::tanh(v); });
  check("sigmoid", [](float v) { return elementary::sigmoid(v); });
  check("gelu", [](float v) { return elementary::gelu(v); });
  check("gelu_slope", [](float v) { return elementary::gelu_with_slope(v).slope; });
}

}  // namespace
}  // namespace lockstep
