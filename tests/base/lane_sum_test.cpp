#include "lockstep/base/lane_sum.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace lockstep {
namespace {

double term(Index i) {
  return (i % 3 == 0 ? -1.0 : 1.0) * std::exp2(static_cast<double>(i * 7 % 50));
}

// The order in the documentation, written as plainly as possible.
double by_definition(Index count) {
  double lanes[8] = {};
  for (Index i = 0; i < count; ++i) lanes[i % 8] += term(i);
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

TEST(LaneSum, FollowsItsOrderForEveryCount) {
  for (Index count = 0; count < 70; ++count) EXPECT_EQ(lane_sum(count, term), by_definition(count));
}

TEST(LaneProduct, MultipliesEveryTermOnce) {
  EXPECT_EQ(lane_product(0, term), 1);
  EXPECT_EQ(lane_product(21, [](Index i) { return i % 2 == 0 ? 4.0 : 0.5; }), 4096);
}

TEST(LaneSum, AddsEveryTermOnce) {
  EXPECT_EQ(lane_sum(1000, [](Index i) { return static_cast<double>(i); }), 499500.0);
}

}  // namespace
}  // namespace lockstep
