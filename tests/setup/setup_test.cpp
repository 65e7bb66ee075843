#include "lockstep/setup/setup.hpp"

#include <gtest/gtest.h>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

TEST(Microbatches, DefaultIsTheSmallestPowerOfTwoThatServesAllRanks) {
  EXPECT_EQ(choose_microbatches(0, 64, 1), 8);
  EXPECT_EQ(choose_microbatches(0, 64, 8), 8);
  EXPECT_EQ(choose_microbatches(0, 64, 9), 16);
  EXPECT_EQ(choose_microbatches(0, 5, 2), 4);
  EXPECT_EQ(choose_microbatches(12, 64, 3), 12);
}

// As many as leave each layer two values to measure.
TEST(Microbatches, DefaultIsAtMostWhatLayersLearnWith) {
  EXPECT_EQ(choose_microbatches(0, 8, 1, 4), 4);
  EXPECT_EQ(choose_microbatches(0, 13, 2, 6), 4);
  EXPECT_EQ(choose_microbatches(0, 64, 9, 32), 16);
  EXPECT_EQ(choose_microbatches(0, 1, 1, 1), 1);
  EXPECT_EQ(choose_microbatches(8, 8, 1, 4), 8);
  EXPECT_THROW((void)choose_microbatches(0, 8, 8, 4), Error);
}

TEST(Microbatches, ImpossibleNumbersAreRefused) {
  EXPECT_THROW((void)choose_microbatches(8, 7, 1), Error);
  EXPECT_THROW((void)choose_microbatches(4, 64, 5), Error);
  EXPECT_THROW((void)choose_microbatches(0, 4, 5), Error);
}

}  // namespace
}  // namespace lockstep
