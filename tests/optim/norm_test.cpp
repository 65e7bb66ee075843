#include "lockstep/optim/norm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace lockstep {
namespace {

TEST(Norm, IsASumOfSquaresInDouble) {
  EXPECT_EQ(square_sum({}), 0);
  EXPECT_EQ(square_sum(std::vector<Real>(1001, 2)), 4004);
  EXPECT_EQ(square_sum(std::vector<Real>{1e30f}), double{1e30f} * double{1e30f});
  EXPECT_TRUE(std::isnan(square_sum(std::vector<Real>{1, std::nanf("")})));
}

TEST(Norm, ClipScaleIsPyTorchs) {
  EXPECT_EQ(clip_scale(5, 0), 1);
  EXPECT_EQ(clip_scale(0.5, 1), 1);
  EXPECT_EQ(clip_scale(0, 1), 1);
  EXPECT_EQ(clip_scale(4, 1), 1 / (4 + 1e-6));
  EXPECT_LT(clip_scale(1, 1), 1);
  EXPECT_EQ(clip_scale(std::numeric_limits<double>::infinity(), 1), 0);
  EXPECT_TRUE(std::isnan(clip_scale(std::nan(""), 1)));
}

}  // namespace
}  // namespace lockstep
