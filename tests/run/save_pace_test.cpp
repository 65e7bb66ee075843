#include "run/save_pace.hpp"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

const Cadence kEveryMinute({60, config::Interval::Unit::seconds}, 1);

TEST(SavePace, ASaveByTimeIsDueSoLongAfterTheLastBegan) {
  SavePace pace(0.1);
  pace.restart(100);
  EXPECT_FALSE(pace.is_due(kEveryMinute, 159));
  EXPECT_TRUE(pace.is_due(kEveryMinute, 160));
  static_cast<void>(pace.begin(160));
  EXPECT_FALSE(pace.is_due(kEveryMinute, 219));
  EXPECT_TRUE(pace.is_due(kEveryMinute, 220));
  pace.restart(215);
  EXPECT_FALSE(pace.is_due(kEveryMinute, 220));
}

TEST(SavePace, ACadenceInStepsIsNeverDueByTime) {
  SavePace pace(1);
  pace.restart(0);
  EXPECT_FALSE(pace.is_due(Cadence({1, config::Interval::Unit::steps}, 1), 1e9));
}

TEST(SavePace, TheDistanceGrowsUntilTheStopIsItsFraction) {
  SavePace pace(0.1);
  static_cast<void>(pace.begin(0));
  pace.note_stop(20);
  EXPECT_FALSE(pace.is_due(kEveryMinute, 199));
  EXPECT_TRUE(pace.is_due(kEveryMinute, 200));
  pace.note_stop(1);
  EXPECT_TRUE(pace.is_due(kEveryMinute, 60));
}

TEST(SavePace, TrainingGoesOnOnlyWhileALongSaveIsWritten) {
  SavePace pace(0.1);
  pace.restart(0);
  EXPECT_FALSE(pace.begin(50)) << "how long one takes is not known yet";
  pace.note_end(4);
  EXPECT_FALSE(pace.begin(90)) << "4 of 40 seconds are a tenth";
  pace.note_end(4);
  EXPECT_TRUE(pace.begin(129)) << "4 of 39 seconds are more";
  pace.note_end(0.1);
  EXPECT_FALSE(pace.begin(131));
}

}  // namespace
}  // namespace lockstep
