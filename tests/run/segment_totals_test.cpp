#include "run/segment_totals.hpp"

#include <gtest/gtest.h>

#include "run/recent_steps.hpp"

namespace lockstep {
namespace {

/// A step that computed so long, and waited a second.
StepTimes times_of(double forward) {
  StepTimes times;
  times[Part::forward] = forward;
  times[Part::wait] = 1;
  return times;
}

TEST(SegmentTotals, AddsStepsToTheSegmentAndToTheEpoch) {
  SegmentTotals totals;
  EXPECT_EQ(totals.samples_per_second(), 0) << "before the first step";
  totals.begin(100);
  totals.add_step(32, times_of(3));
  totals.add_step(16, times_of(1));
  EXPECT_EQ(totals.steps(), 2u);
  EXPECT_EQ(totals.epoch_steps(), 2);
  EXPECT_EQ(totals.epoch_samples(), 48);
  EXPECT_EQ(totals.epoch_times()[Part::forward], 4);
  EXPECT_EQ(totals.epoch_times()[Part::wait], 2);
  EXPECT_EQ(totals.samples_per_second(), 8);
  EXPECT_EQ(totals.seconds(110), 10);
  EXPECT_EQ(totals.epoch_seconds(110), 10);
}

TEST(SegmentTotals, AnEpochEndsAndTheSegmentGoesOn) {
  SegmentTotals totals;
  totals.begin(100);
  totals.add_step(32, times_of(3));
  totals.end_epoch(110);
  totals.add_step(16, times_of(1));
  EXPECT_EQ(totals.steps(), 2u);
  EXPECT_EQ(totals.seconds(115), 15);
  EXPECT_EQ(totals.samples_per_second(), 8);
  EXPECT_EQ(totals.epoch_steps(), 1);
  EXPECT_EQ(totals.epoch_samples(), 16);
  EXPECT_EQ(totals.epoch_times().total(), 2);
  EXPECT_EQ(totals.epoch_seconds(115), 5);
}

// --max-steps and the speed count steps that were done, whatever became of them.
TEST(SegmentTotals, AfterARollbackTheEpochCountsAnew) {
  SegmentTotals totals;
  totals.begin(100);
  totals.add_step(32, times_of(3));
  totals.rolled_back(110);
  EXPECT_EQ(totals.steps(), 1u);
  EXPECT_EQ(totals.samples_per_second(), 8);
  EXPECT_EQ(totals.seconds(111), 11);
  EXPECT_EQ(totals.epoch_steps(), 0);
  EXPECT_EQ(totals.epoch_samples(), 0);
  EXPECT_EQ(totals.epoch_times().total(), 0);
  EXPECT_EQ(totals.epoch_seconds(111), 1);
}

TEST(SegmentTotals, TimesTheMilestonesOfThisSegment) {
  SegmentTotals totals;
  totals.begin(100);
  SegmentTotals::Milestones reached{3, 7, 7, 0, 0};  // the first in an earlier segment
  totals.note_milestones(reached, 7, 112);
  totals.note_milestones(reached, 8, 120);
  const auto seconds = totals.milestone_seconds();
  EXPECT_EQ(seconds[0], -1);
  EXPECT_EQ(seconds[1], 12);
  EXPECT_EQ(seconds[2], 12);
  EXPECT_EQ(seconds[3], -1);
}

TEST(RecentSteps, AfterARollbackOnlyFailuresAreRemembered) {
  RecentSteps recent;
  recent.losses.add(1, 0.5);
  recent.validation = {{"loss", 1}};
  recent.is_best = true;
  recent.failed_audits = 2;
  recent.rolled_back();
  EXPECT_TRUE(recent.losses.empty());
  EXPECT_TRUE(recent.validation.empty());
  EXPECT_FALSE(recent.is_best);
  EXPECT_EQ(recent.failed_audits, 2);
}

}  // namespace
}  // namespace lockstep
