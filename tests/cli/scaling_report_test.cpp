#include "cli/scale/scaling_report.hpp"

#include <gtest/gtest.h>

#include "cli/scaling_testing.hpp"

namespace lockstep::cli {
namespace {

TEST(ScalingReportTest, SpeedupEfficiencyAndKarpFlatt) {
  const ScalingReport report = small_report();
  ASSERT_EQ(report.points.size(), 3u);
  const PointFigures& one = report.points[0];
  EXPECT_EQ(one.speedup, (Estimate{1, 1, 1}));
  EXPECT_EQ(one.efficiency->value, 1);
  EXPECT_FALSE(one.serial_fraction);
  EXPECT_DOUBLE_EQ(one.samples_per_second, 10'000);
  const PointFigures& two = report.points[1];
  EXPECT_DOUBLE_EQ(two.speedup.value, 10.0 / 6);
  EXPECT_DOUBLE_EQ(two.efficiency->value, 10.0 / 12);
  EXPECT_NEAR(*two.serial_fraction, 0.2, 1e-12);  // (0.6 - 0.5) / (1 - 0.5)
  EXPECT_DOUBLE_EQ(share_of(two.shares, Part::exposed), 0.1);
}

TEST(ScalingReportTest, OversubscribedPointsHaveNoEfficiency) {
  const PointFigures four = small_report().points[2];
  EXPECT_FALSE(four.honest());
  EXPECT_DOUBLE_EQ(four.speedup.value, 1.25);
  EXPECT_FALSE(four.efficiency);
  EXPECT_FALSE(four.serial_fraction);
  EXPECT_EQ(note_text(four), "oversubscribed 2x");
}

TEST(ScalingReportTest, FitsNeedThreeHonestPoints) {
  const ScalingReport refused = small_report();
  EXPECT_FALSE(refused.fit);
  EXPECT_EQ(fit_text(refused), "refused: 2 points without oversubscription, at least 3 needed");
  const ScalingReport fitted =
      report_on(plan_for({1, 2, 4}, 4, 1),
                {measured(1, 1, 0.010), measured(2, 1, 0.006), measured(4, 1, 0.004)});
  ASSERT_TRUE(fitted.fit);
  EXPECT_NEAR(fitted.fit->serial_fraction, 0.2, 1e-12);
  EXPECT_EQ(fit_text(fitted),
            "Amdahl: T(p) = 10.00 ms (0.2000 + 0.8000 / p); off by at most 0.0 %");
}

TEST(ScalingReportTest, PointsOnEqualProcessorsCountOnceForAFit) {
  ScalingPlan plan = plan_for({1, 2}, 4, 1);
  plan.points.push_back({1, 2});
  Measurement threads = measured(1, 1, 0.007);
  threads.run.point = {1, 2};
  const ScalingReport report =
      report_on(plan, {measured(1, 1, 0.010), measured(2, 1, 0.006), threads});
  EXPECT_EQ(report.refused,
            "3 points without oversubscription on 2 numbers of processors, at least 3 needed");
}

TEST(ScalingReportTest, TheSmallestPointIsTheBase) {
  const ScalingReport report =
      report_on(plan_for({2, 4}, 4, 1), {measured(4, 1, 0.004), measured(2, 1, 0.006)});
  EXPECT_EQ(base_text(report), "2 x 1");
  EXPECT_DOUBLE_EQ(report.points[1].speedup.value, 1.5);
  EXPECT_DOUBLE_EQ(report.points[1].efficiency->value, 0.75);
}

TEST(ScalingReportTest, WeakScalingComparesSamplesPerSecond) {
  const ScalingReport report = report_on(
      plan_for({1, 2, 4}, 4, 1, ScalingMode::weak),
      {measured(1, 1, 0.010, "a"), measured(2, 1, 0.010, "b"), measured(4, 1, 0.0125, "c")});
  EXPECT_EQ(report.points[2].batch, 400);
  EXPECT_DOUBLE_EQ(report.points[1].efficiency->value, 1);
  EXPECT_DOUBLE_EQ(report.points[2].speedup.value, 3.2);
  EXPECT_NEAR(*report.points[2].serial_fraction, 0.8 / 3, 1e-12);
  EXPECT_TRUE(report.identical()) << "other batches have other states";
  EXPECT_TRUE(fit_text(report).starts_with("Gustafson: S(p) = ")) << fit_text(report);
}

TEST(ScalingReportTest, DigestsAreComparedOverAllRuns) {
  const ScalingReport same = small_report();
  EXPECT_TRUE(same.identical());
  EXPECT_EQ(digest_text(same), "identical in all 6 runs (d1)");
  const ScalingReport other =
      report_on(plan_for({1, 2}, 2), {measured(1, 1, 0.01), measured(2, 1, 0.01, "d2"),
                                      measured(1, 2, 0.01), measured(2, 2, 0.01)});
  EXPECT_FALSE(other.identical());
  EXPECT_EQ(digest_text(other),
            "NOT IDENTICAL\n"
            "         d1  3 runs  1 x 1, 2 x 1\n"
            "         d2  1 run  2 x 1");
}

TEST(ScalingReportTest, InWeakModeOnlyEqualRanksAreCompared) {
  const ScalingPlan plan = plan_for({1, 2}, 2, 2, ScalingMode::weak);
  EXPECT_TRUE(report_on(plan, {measured(1, 1, 0.01, "a"), measured(2, 1, 0.01, "b")}).identical());
  EXPECT_FALSE(report_on(plan, {measured(1, 1, 0.01, "a"), measured(1, 2, 0.01, "b")}).identical());
}

TEST(ScalingReportTest, UnfinishedPointsAreLeftOut) {
  const ScalingReport none = report_on(plan_for({1, 2}, 2), {});
  EXPECT_TRUE(none.points.empty());
  EXPECT_TRUE(none.identical());
  EXPECT_EQ(report_on(plan_for({1, 2}, 2), {measured(2, 1, 0.01)}).points.size(), 1u);
}

TEST(ScalingReportTest, MillisecondsKeepFourDigits) {
  EXPECT_EQ(milliseconds(0.0279), "27.90");
  EXPECT_EQ(milliseconds(0.00025412), "0.2541");
  EXPECT_EQ(milliseconds(1.2345), "1234");
}

}  // namespace
}  // namespace lockstep::cli
