#include "run/divergence.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace lockstep {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

config::Divergence policy(const char* action) { return {.action = action, .limit = 2}; }

TEST(Divergence, StopsAtOnceUnlessAskedOtherwise) {
  EXPECT_EQ(remedy_for(policy("stop"), {}), Remedy::stop);
}

TEST(Divergence, SkipsSoManyStepsInARow) {
  Progress progress;
  EXPECT_EQ(remedy_for(policy("skip"), progress), Remedy::skip);
  progress.rollbacks = 9;
  progress.skipped = 1;
  EXPECT_EQ(remedy_for(policy("skip"), progress), Remedy::skip);
  progress.skipped = 2;
  EXPECT_EQ(remedy_for(policy("skip"), progress), Remedy::stop);
}

TEST(Divergence, RollsBackSoManyTimes) {
  Progress progress;
  progress.skipped = 9;
  progress.rollbacks = 1;
  EXPECT_EQ(remedy_for(policy("rollback"), progress), Remedy::roll_back);
  progress.rollbacks = 2;
  EXPECT_EQ(remedy_for(policy("rollback"), progress), Remedy::stop);
}

TEST(Divergence, ALossThatRoseIsTheFaultOfTheLearningRate) {
  LossHistory before;
  for (const LossHistory::Point& p :
       {LossHistory::Point{1, 3.0}, {2, 0.5}, {3, 0.25}, {14, 8.0}, {15, 10.0}}) {
    before.add(p.step, p.loss);
  }
  EXPECT_EQ(describe({.step = 16,
                      .loss = kInfinity,
                      .loss_limit = kInfinity,
                      .usual_loss = kInfinity,
                      .learning_rate = 4,
                      .base_rate = 5},
                     before),
            "the learning rate is too large: the loss rose 40 x in 12 steps, from 0.25 to 10 at "
            "step 15; then the loss of step 16 is not finite\n  the learning rate was 4; try "
            "--set optimizer.lr=0.5, or --set optimizer.clip_norm=1");
}

TEST(Divergence, WhatCameWithoutARiseBlamesNothing) {
  LossHistory before;
  before.add(1, 1.0);
  before.add(2, 1.9);
  Divergence divergence{.step = 3,
                        .loss = 1,
                        .loss_limit = kInfinity,
                        .usual_loss = kInfinity,
                        .learning_rate = 0.1,
                        .base_rate = 0.1};
  EXPECT_TRUE(describe(divergence, before).starts_with("the gradient of step 3 is not finite\n"));
  divergence.updated = true;
  EXPECT_TRUE(describe(divergence, before)
                  .starts_with("a parameter or the optimizer's state is not finite after step 3, "
                               "which is not saved\n"));
  divergence.updated = false;
  divergence.loss = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(describe(divergence, {}).starts_with("the loss of step 3 is not finite\n"));
  divergence.loss = 9;
  divergence.loss_limit = 4;
  divergence.usual_loss = 2;
  EXPECT_TRUE(
      describe(divergence, before).starts_with("the loss of step 3, 9, is 4.5 x the usual 2\n"));
}

TEST(LossHistory, RemembersTheLowestOfTheLast) {
  LossHistory history;
  EXPECT_TRUE(history.empty());
  history.add(1, 0.001);
  for (std::uint64_t step = 2; step <= 100; ++step) history.add(step, step == 50 ? 1.0 : 2.0);
  EXPECT_EQ(history.lowest().step, 50u) << "the first is forgotten";
  EXPECT_EQ(history.last().step, 100u);
  history.clear();
  EXPECT_TRUE(history.empty());
}

}  // namespace
}  // namespace lockstep
