#include "cli/scale/scaling_statistics.hpp"

#include <gtest/gtest.h>

#include <array>

namespace lockstep::cli {
namespace {

TEST(ScalingStatisticsTest, Median) {
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({5, 1, 3}), 3);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
}

TEST(ScalingStatisticsTest, IntervalOfConstantsIsTheConstant) {
  EXPECT_EQ(median_with_interval(std::array{7.0, 7.0, 7.0}), (Estimate{7, 7, 7}));
  EXPECT_EQ(median_with_interval(std::array{7.0}), (Estimate{7, 7, 7}));
  EXPECT_EQ(ratio_with_interval(std::array{6.0, 6.0}, std::array{3.0, 3.0}), (Estimate{2, 2, 2}));
}

TEST(ScalingStatisticsTest, IntervalHoldsTheMedianAndLiesWithinTheValues) {
  const std::array values = {1.0, 2.0, 3.0, 4.0, 100.0};
  const Estimate estimate = median_with_interval(values);
  EXPECT_EQ(estimate.value, 3);
  // P(median of 5 draws is 1) = P(at least 3 of 5 are 1) = 5.8 %, above the tail of 2.5 %.
  EXPECT_EQ(estimate.low, 1);
  EXPECT_EQ(estimate.high, 100);
  EXPECT_EQ(median_with_interval(values), estimate) << "the seed is fixed";
}

TEST(ScalingStatisticsTest, IntervalNarrowsWithMoreValues) {
  std::vector<double> values;
  for (int i = 0; i < 101; ++i) values.push_back(i);
  const Estimate estimate = median_with_interval(values);
  EXPECT_EQ(estimate.value, 50);
  // The deviation of the median of n uniform values is 1 / (2 sqrt(n)) of their range: 5.
  EXPECT_NEAR(estimate.low, 40, 5);
  EXPECT_NEAR(estimate.high, 60, 5);
}

TEST(ScalingStatisticsTest, RatioOfMedians) {
  const Estimate ratio =
      ratio_with_interval(std::array{9.0, 10.0, 11.0}, std::array{4.0, 5.0, 6.0});
  EXPECT_EQ(ratio.value, 2);
  EXPECT_GE(ratio.low, 9.0 / 6);
  EXPECT_LE(ratio.high, 11.0 / 4);
  EXPECT_LT(ratio.low, ratio.high);
}

TEST(ScalingStatisticsTest, KarpFlattIsTheSerialFractionOfAmdahlsLaw) {
  EXPECT_DOUBLE_EQ(karp_flatt(1.0 / (0.1 + 0.9 / 8), 8), 0.1);
  EXPECT_DOUBLE_EQ(karp_flatt(1.5, 2), 1.0 / 3);
  EXPECT_EQ(karp_flatt(4, 4), 0);
  EXPECT_EQ(karp_flatt(1, 4), 1);
}

TEST(ScalingStatisticsTest, GustafsonFraction) {
  EXPECT_DOUBLE_EQ(gustafson_fraction(0.1 + 0.9 * 8, 8), 0.1);
  EXPECT_EQ(gustafson_fraction(4, 4), 0);
}

TEST(ScalingStatisticsTest, AmdahlFitFindsTheLawItWasMadeFrom) {
  std::vector<CurvePoint> points;
  for (const double p : {1.0, 2.0, 4.0, 8.0}) points.push_back({p, 0.05 * (0.04 + 0.96 / p)});
  const ScalingFit fit = amdahl_fit(points);
  EXPECT_NEAR(fit.serial_fraction, 0.04, 1e-12);
  EXPECT_NEAR(fit.base, 0.05, 1e-12);
  EXPECT_NEAR(fit.largest, 0, 1e-12);
}

TEST(ScalingStatisticsTest, AmdahlFitTellsHowFarItIsOff) {
  // The line nearest to 8, 4, 3 at 1 / p = 1, 1/2, 1/4 is 1 + 48/7 x; it is off most at p = 2.
  const ScalingFit fit =
      amdahl_fit(std::array{CurvePoint{1, 8}, CurvePoint{2, 4}, CurvePoint{4, 3}});
  EXPECT_NEAR(fit.base, 55.0 / 7, 1e-12);
  EXPECT_NEAR(fit.serial_fraction, 7.0 / 55, 1e-12);
  EXPECT_NEAR(fit.largest, 3.0 / 28, 1e-12);
}

TEST(ScalingStatisticsTest, GustafsonFitFindsTheLawItWasMadeFrom) {
  std::vector<CurvePoint> points;
  for (const double p : {1.0, 2.0, 4.0, 8.0}) points.push_back({p, 0.04 + 0.96 * p});
  const ScalingFit fit = gustafson_fit(points);
  EXPECT_NEAR(fit.serial_fraction, 0.04, 1e-12);
  EXPECT_EQ(fit.base, 1);
  EXPECT_NEAR(fit.largest, 0, 1e-12);
}

}  // namespace
}  // namespace lockstep::cli
