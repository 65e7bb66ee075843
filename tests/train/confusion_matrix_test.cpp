#include "lockstep/train/confusion_matrix.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lockstep/setup/class_weights.hpp"

namespace lockstep {
namespace {

// Class 2 has samples but is never predicted; class 3 has none and is never predicted.
const ConfusionMatrix kMatrix{4,
                              {3, 1, 0, 0,  //
                               2, 4, 0, 0,  //
                               0, 5, 0, 0,  //
                               0, 0, 0, 0}};

TEST(ClassFigures, KnownValues) {
  const auto f = class_figures(kMatrix);
  ASSERT_EQ(f.size(), 4u);
  EXPECT_EQ(f[0].samples, 4);
  EXPECT_EQ(f[0].predicted, 5);
  EXPECT_DOUBLE_EQ(f[0].precision, 3.0 / 5);
  EXPECT_DOUBLE_EQ(f[0].recall, 3.0 / 4);
  EXPECT_DOUBLE_EQ(f[0].f1, 2.0 / (5.0 / 3 + 4.0 / 3));
  EXPECT_DOUBLE_EQ(f[1].precision, 4.0 / 10);
  EXPECT_TRUE(std::isnan(f[2].precision));
  EXPECT_EQ(f[2].recall, 0);
  EXPECT_EQ(f[2].f1, 0);
  EXPECT_TRUE(std::isnan(f[3].recall));
  EXPECT_TRUE(std::isnan(f[3].f1));
}

TEST(ClassFigures, MeansLeaveOutWhatIsUndefined) {
  const ClassFigures mean = mean_figures(class_figures(kMatrix));
  EXPECT_EQ(mean.samples, 15);
  EXPECT_EQ(mean.predicted, 15);
  EXPECT_DOUBLE_EQ(mean.precision, (0.6 + 0.4) / 2);
  EXPECT_DOUBLE_EQ(mean.recall, (3.0 / 4 + 4.0 / 6 + 0) / 3);
}

// Six samples: 3 of class 0, 1 of class 1, 2 of class 2, none of class 3.
TEST(BalancedWeights, EveryClassCountsAlike) {
  Dataset data("x", {.shape = {.channels = 1}, .size = 6});
  const std::vector<std::int32_t> labels{0, 2, 0, 2, 0, 1};
  std::ranges::copy(labels, data.labels().begin());
  const Samples samples{&data, Subset::whole(6), nullptr, nullptr};
  const auto all = balanced_weights(samples, 4);
  EXPECT_EQ(all, (std::vector<double>{6.0 / (3 * 3), 6.0 / 3, 6.0 / (3 * 2), 1}));
}

}  // namespace
}  // namespace lockstep
