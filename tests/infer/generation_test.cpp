#include "lockstep/infer/generation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

constexpr double kAlmostOne = 1 - 0x1p-24;

/// Logits of the probabilities 0.1, 0.4, 0.2, 0.3.
const std::vector<Real> kLogits{std::log(0.1f), std::log(0.4f), std::log(0.2f), std::log(0.3f)};

/// The share of evenly spaced numbers that gives each symbol.
std::vector<double> shares(const Sampling& sampling) {
  std::vector<double> result(kLogits.size());
  constexpr int kNumbers = 10'000;
  for (int i = 0; i < kNumbers; ++i) {
    const Index symbol = sample_symbol(kLogits, sampling, i / double{kNumbers});
    result[static_cast<std::size_t>(symbol)] += 1.0 / kNumbers;
  }
  return result;
}

void expect_shares(const Sampling& sampling, const std::vector<double>& expected) {
  const std::vector<double> found = shares(sampling);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 2e-4) << i;
}

TEST(SampleSymbol, FollowsTheProbabilities) { expect_shares({}, {0.1, 0.4, 0.2, 0.3}); }

TEST(SampleSymbol, TemperatureRaisesThemToAPower) {
  const double sum = 0.01 + 0.16 + 0.04 + 0.09;
  expect_shares({.temperature = 0.5}, {0.01 / sum, 0.16 / sum, 0.04 / sum, 0.09 / sum});
  expect_shares({.temperature = 1e9}, {0.25, 0.25, 0.25, 0.25});
  expect_shares({.temperature = 1e-30}, {0, 1, 0, 0});
}

TEST(SampleSymbol, TemperatureZeroTakesTheLargest) {
  expect_shares({.temperature = 0}, {0, 1, 0, 0});
  EXPECT_EQ(sample_symbol(std::vector<Real>{2, 3, 3}, {.temperature = 0}, kAlmostOne), 1);
}

TEST(SampleSymbol, TopKKeepsTheLargest) {
  expect_shares({.top_k = 2}, {0, 4.0 / 7, 0, 3.0 / 7});
  expect_shares({.top_k = 1}, {0, 1, 0, 0});
  expect_shares({.top_k = 9}, {0.1, 0.4, 0.2, 0.3});
}

TEST(SampleSymbol, TopPKeepsTheFewestThatReachIt) {
  expect_shares({.top_p = 0.65}, {0, 4.0 / 7, 0, 3.0 / 7});
  expect_shares({.top_p = 0.75}, {0, 4.0 / 9, 2.0 / 9, 3.0 / 9});
  expect_shares({.top_p = 1e-9}, {0, 1, 0, 0});
  // Of the two that top_k leaves, the first alone has 4 / 7.
  expect_shares({.top_k = 2, .top_p = 0.5}, {0, 1, 0, 0});
}

TEST(SampleSymbol, TheLastOneIsReached) {
  EXPECT_EQ(sample_symbol(kLogits, {}, kAlmostOne), 0);
  EXPECT_EQ(sample_symbol(std::vector<Real>{1000, -1000}, {}, kAlmostOne), 0);
}

TEST(SampleSymbol, RefusesWhatIsNotFinite) {
  for (const Real bad :
       {std::numeric_limits<Real>::quiet_NaN(), std::numeric_limits<Real>::infinity()}) {
    try {
      (void)sample_symbol(std::vector<Real>{0, bad}, {}, 0.5);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::diverged);
    }
  }
}

}  // namespace
}  // namespace lockstep
