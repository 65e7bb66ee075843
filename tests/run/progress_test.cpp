#include "lockstep/run/progress.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lockstep {
namespace {

TEST(Progress, NotesTheFirstStepBelowEachMilestone) {
  Progress progress;
  std::uint64_t step = 0;
  const auto batches = [&](int count, double error) {
    for (int i = 0; i < count; ++i) {
      ++step;
      progress.add_batch(step, {}, 512, 4096, 512 * (1 - error));
    }
  };
  batches(20, 0.9);
  EXPECT_EQ(progress.milestone_steps, (std::array<std::uint64_t, 5>{}));
  batches(20, 0.2);
  EXPECT_GT(progress.milestone_steps[0], 20u);
  EXPECT_GE(progress.milestone_steps[1], progress.milestone_steps[0]);
  EXPECT_GT(progress.milestone_steps[2], progress.milestone_steps[1]);
  EXPECT_EQ(progress.milestone_steps[3], 0u);
  const auto first = progress.milestone_steps;
  batches(20, 0.9);
  batches(20, 0.01);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(progress.milestone_steps[i], first[i]);
  EXPECT_GT(progress.milestone_steps[4], 60u);
}

TEST(Progress, FewSamplesLearnedInTheFirstEpochReachTheirMilestones) {
  Progress progress;
  std::uint64_t step = 0;
  const auto batches = [&](int count, double error) {
    for (int i = 0; i < count; ++i) {
      progress.add_batch(++step, {}, 10, 200, 10 * (1 - error));
    }
  };
  batches(2, 0.5);
  EXPECT_FALSE(progress.knows_error());
  batches(18, 0.0);
  EXPECT_TRUE(progress.knows_error());
  EXPECT_GT(progress.milestone_steps[0], 2u);
  EXPECT_GT(progress.milestone_steps[2], 2u);
}

TEST(Progress, BestDependsOnTheDirectionOfTheMetric) {
  Progress progress;
  EXPECT_TRUE(progress.offer_best("val/loss", 2.0, 1));
  EXPECT_FALSE(progress.offer_best("val/loss", 2.0, 2));
  EXPECT_TRUE(progress.offer_best("val/loss", 1.0, 3));
  EXPECT_TRUE(progress.offer_best("val/perplexity", 9, 3));
  EXPECT_FALSE(progress.offer_best("val/perplexity", 10, 3));
  EXPECT_TRUE(progress.offer_best("val/top5", 0.8, 3));
  EXPECT_TRUE(progress.offer_best("val/top5", 0.9, 3));
  EXPECT_TRUE(progress.offer_best("val/acc", 0.5, 4));  // another metric starts anew
  EXPECT_FALSE(progress.offer_best("val/acc", 0.4, 5));
  EXPECT_FALSE(progress.offer_best("val/acc", std::numeric_limits<double>::quiet_NaN(), 6));
  EXPECT_EQ(progress.best->step, 4u);
}

TEST(Stagnation, CountsEvaluationsWithoutImprovement) {
  Stagnation s;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  s.observe("val/loss", nan, 1, 0);
  EXPECT_EQ(s.evaluations, 1);
  EXPECT_FALSE(s.best);
  s.observe("val/loss", 2.0, 2, 0);
  EXPECT_EQ(s.evaluations, 0);
  s.observe("val/loss", 2.0, 3, 0);
  s.observe("val/loss", nan, 4, 0);
  EXPECT_EQ(s.evaluations, 2);
  EXPECT_EQ(s.best->step, 2u);
  s.observe("val/loss", 1.75, 5, 0.5);
  EXPECT_EQ(s.evaluations, 3) << "better, but not by more than 0.5";
  s.observe("val/loss", 1.25, 6, 0.5);
  EXPECT_EQ(s.evaluations, 0);
  EXPECT_EQ(s.best->value, 1.25);
  s.observe("val/acc", 0.5, 7, 0.1);
  EXPECT_EQ(s.evaluations, 0) << "another metric starts anew";
  s.observe("val/acc", 0.4, 8, 0.1);
  s.observe("val/acc", 0.55, 9, 0.1);
  EXPECT_EQ(s.evaluations, 2);
  s.observe("val/acc", 0.75, 10, 0.1);
  EXPECT_EQ(s.evaluations, 0);
}

TEST(Progress, ASpikeIsATimesTheUsualLossOnceThatIsKnown) {
  Progress progress;
  for (int i = 0; i < 14; ++i) {
    progress.add_loss(2);
    EXPECT_TRUE(std::isinf(progress.spike_limit(10))) << i;
  }
  progress.add_loss(2);
  EXPECT_NEAR(progress.spike_limit(10), 20, 1e-9);
  EXPECT_NEAR(progress.spike_limit(1), 2, 1e-9);
  EXPECT_TRUE(std::isinf(progress.spike_limit(0)));
  for (int i = 0; i < 500; ++i) progress.add_loss(1);
  EXPECT_NEAR(progress.spike_limit(10), 10, 1e-2) << "what is long ago is forgotten";
}

TEST(Progress, HistoryColumnsAreEquallyLong) {
  Progress progress;
  progress.add_history(1, 0.5, {{"loss", 3}}, {});
  progress.add_history(2, 1.0, {{"loss", 2}}, {{"loss", 4}});
  progress.add_history(3, 1.5, {{"loss", 1}}, {});
  for (const HistoryColumn& c : progress.history) EXPECT_EQ(c.values.size(), 3u) << c.name;
  EXPECT_EQ(progress.history.back().name, "val_loss");
  EXPECT_TRUE(std::isnan(progress.history.back().values[0]));
  EXPECT_EQ(progress.history.back().values[1], 4);
  EXPECT_TRUE(std::isnan(progress.history.back().values[2]));
}

}  // namespace
}  // namespace lockstep
