// When a rank may sleep, and for how long.
#include "lockstep/comm/traffic.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace lockstep {
namespace {

TEST(Traffic, SleepIsCutIntoNapsWhileMessagesMayBeUnderWay) {
  Traffic traffic;
  EXPECT_FALSE(traffic.quiet()) << "MPI has started";
  EXPECT_EQ(traffic.longest_sleep(0), Traffic::kShortestNap);
  EXPECT_EQ(traffic.longest_sleep(0.01), 0.01);
  EXPECT_EQ(traffic.longest_sleep(100), Traffic::kLongestNap);
  traffic.settle();
  EXPECT_TRUE(std::isinf(traffic.longest_sleep(0)));
  traffic.stir();
  EXPECT_EQ(traffic.longest_sleep(0), Traffic::kShortestNap);
}

TEST(Traffic, IsNotQuietWithAMessageOpen) {
  Traffic traffic;
  traffic.settle();
  traffic.open();
  EXPECT_FALSE(traffic.quiet());
  EXPECT_DEATH(traffic.settle(), "a message open");
  EXPECT_DEATH(traffic.close(2), "");
  traffic.close(1);
  EXPECT_FALSE(traffic.quiet()) << "others have not met since";
  traffic.settle();
  EXPECT_TRUE(traffic.quiet());
}

}  // namespace
}  // namespace lockstep
