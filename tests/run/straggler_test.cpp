#include <gtest/gtest.h>

#include "lockstep/run/events.hpp"

namespace lockstep {
namespace {

TimesEvent times_of_work(const std::vector<double>& work) {
  TimesEvent event{.step = 200, .steps = 100, .ranks = {}};
  for (const double seconds : work) {
    RankTimes rank{.rank = static_cast<int>(event.ranks.size()), .node = "n", .times = {}};
    rank.times[Part::forward] = seconds;
    rank.times[Part::wait] = 100;  // not its own work
    event.ranks.push_back(rank);
  }
  return event;
}

TEST(Straggler, IsNamedOnceItsWorkIsSoManyTimesThatOfTheOthers) {
  EXPECT_EQ(straggler(times_of_work({2, 2, 4.2, 2}), 2),
            "rank 2 on n is a straggler: its work took 4.2 s in 100 steps up to step 200, 2.1 "
            "times as long as that of the other ranks, which wait for it");
  EXPECT_EQ(straggler(times_of_work({2, 2, 3.8, 2}), 2), "");
}

TEST(Straggler, OneOfTwoIsComparedWithTheOther) {
  EXPECT_NE(straggler(times_of_work({3, 1}), 2).find("rank 0"), std::string::npos);
  EXPECT_EQ(straggler(times_of_work({3, 2}), 2), "");
}

TEST(Straggler, IsNobodyAloneOrByAccidentOrOff) {
  EXPECT_EQ(straggler(times_of_work({9}), 2), "");
  EXPECT_EQ(straggler(times_of_work({0.1, 0.9}), 2), "");
  EXPECT_EQ(straggler(times_of_work({1, 9}), 0), "");
}

}  // namespace
}  // namespace lockstep
