#include "run/run_policy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lockstep/config/parse.hpp"

namespace lockstep {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

config::Config config_with(const std::string& schedule) {
  return config::parse({"test.toml",
                        "[run]\nsteps = 9\n[data]\ntrain = \"x.csv\"\nbatch = 8\n[[layer]]\n"
                        "type = \"linear\"\nout = 3\n[loss]\ntype = \"cross_entropy\"\n"
                        "[optimizer]\ntype = \"sgd\"\nlr = 0.5\n[schedule]\n" +
                            schedule + "\n"},
                       {}, catalogue());
}

class RunPolicyTest : public testing::Test {
 protected:
  RunPolicyTest() {
    config_.checkpoint.best = "none";
    config_.divergence.action = config_.audit.action = "stop";
  }

  /// One evaluation; true if it was the best so far.
  bool validate(std::vector<Metric> metrics) {
    return policy_.note_validation(metrics, ++step_, progress_);
  }
  /// One step whose gradient had this norm; a norm that is not finite leaves it unapplied.
  void step(double norm, double loss = 1) {
    StepResult result;
    result.sums[0] = loss;
    result.counted = 1;
    result.gradient_norm = norm;
    result.applied = std::isfinite(norm);
    policy_.note_step(result, progress_);
  }

  config::Config config_ = config_with("type = \"constant\"");
  LearningRate schedule_{config_, 7, 9};
  RunPolicy policy_{config_, schedule_};
  Progress progress_;
  std::uint64_t step_ = 0;
};

TEST_F(RunPolicyTest, NothingEndsARunUnlessAsked) {
  for (int i = 0; i < 100; ++i) {
    step(0);
    validate({{"loss", 1}});
  }
  EXPECT_FALSE(policy_.ends_early(progress_));
  EXPECT_EQ(policy_.early_end(progress_), "");
  EXPECT_FALSE(policy_.needs_gradient_norm());
}

TEST_F(RunPolicyTest, PatienceEndsARunWhoseMetricNoLongerImproves) {
  config_.stop = {.metric = "val/loss", .patience = 2};
  validate({{"loss", 2}, {"acc", 0.5}});
  validate({{"loss", 1}, {"acc", 0.6}});
  validate({{"loss", 1}, {"acc", 0.7}});
  EXPECT_FALSE(policy_.patience_exhausted(progress_));
  validate({{"loss", kNan}, {"acc", 0.8}});
  EXPECT_TRUE(policy_.patience_exhausted(progress_));
  EXPECT_TRUE(policy_.ends_early(progress_));
  EXPECT_EQ(policy_.early_end(progress_),
            "val/loss has not improved in 2 evaluations; best 1 at step 2");
}

TEST_F(RunPolicyTest, PatienceMayEndARunThatWasNeverFinite) {
  config_.stop = {.metric = "val/loss", .patience = 1};
  validate({{"loss", kNan}});
  EXPECT_EQ(policy_.early_end(progress_),
            "val/loss has not improved in 1 evaluation; best none was finite");
}

TEST_F(RunPolicyTest, AVanishedGradientEndsARunAfterSoManyStepsInARow) {
  config_.stop.gradient_norm = 0.1;
  config_.stop.steps = 2;
  EXPECT_TRUE(policy_.needs_gradient_norm());
  step(0.01);
  step(0.1);
  step(0.01);
  EXPECT_FALSE(policy_.gradient_vanished(progress_)) << "not in a row";
  step(kNan);
  step(0.01);
  EXPECT_FALSE(policy_.gradient_vanished(progress_)) << "a step that changed nothing counts not";
  step(0.01);
  EXPECT_TRUE(policy_.ends_early(progress_));
  EXPECT_EQ(policy_.early_end(progress_),
            "the slope has vanished: the norm of the gradient was below 0.1 in 2 steps in a row");
}

TEST_F(RunPolicyTest, TellsTheBestValidation) {
  config_.checkpoint.best = "val/acc";
  EXPECT_TRUE(validate({{"loss", 1}, {"acc", 0.5}}));
  EXPECT_FALSE(validate({{"loss", 0.5}, {"acc", 0.5}}));
  EXPECT_TRUE(validate({{"acc", 0.75}, {"loss", 2}}));
  EXPECT_EQ(progress_.best->step, 3u);
  config_.checkpoint.best = "none";
  EXPECT_FALSE(validate({{"acc", 1}}));
}

TEST_F(RunPolicyTest, APlateauDropsTheRateAndCountsAnew) {
  const config::Config config =
      config_with("type = \"plateau\"\nmetric = \"val/loss\"\nfactor = 0.5\npatience = 2");
  const LearningRate schedule(config, 7, 9);
  const RunPolicy policy(config, schedule);
  const auto rate_after = [&](std::initializer_list<double> losses) {
    for (const double loss : losses) {
      const Metric metric{"loss", loss};
      policy.note_validation({&metric, 1}, ++step_, progress_);
    }
    return policy.learning_rate(step_ + 1, progress_);
  };
  EXPECT_EQ(rate_after({3, 2, 2}), 0.5);
  EXPECT_EQ(rate_after({2.5}), 0.25);
  EXPECT_EQ(rate_after({2}), 0.25);
  EXPECT_EQ(rate_after({2}), 0.125);
  EXPECT_EQ(rate_after({1, 1}), 0.125);
}

TEST_F(RunPolicyTest, EachRollbackLowersTheRate) {
  config_.divergence.rate_factor = 0.25;
  EXPECT_EQ(policy_.learning_rate(1, progress_), 0.5);
  progress_.rollbacks = 2;
  EXPECT_EQ(policy_.learning_rate(1, progress_), 0.03125);
}

TEST_F(RunPolicyTest, OnlyAppliedStepsTellTheUsualLoss) {
  config_.divergence.spike = 10;
  EXPECT_TRUE(std::isinf(policy_.loss_limit(progress_)));
  for (int i = 0; i < 20; ++i) step(1, 2);
  EXPECT_NEAR(policy_.loss_limit(progress_), 20, 1e-9);
  for (int i = 0; i < 20; ++i) step(kNan, 200);
  EXPECT_NEAR(policy_.loss_limit(progress_), 20, 1e-9);
  config_.divergence.spike = 0;
  EXPECT_TRUE(std::isinf(policy_.loss_limit(progress_)));
}

TEST_F(RunPolicyTest, ASkippedStepIsForgottenWithTheNextThatIsApplied) {
  config_.divergence = {.action = "skip", .limit = 2};
  EXPECT_TRUE(policy_.needs_gradient_norm());
  progress_.skipped = 1;
  step(kNan);
  EXPECT_EQ(progress_.skipped, 1);
  EXPECT_EQ(policy_.after_bad_step(progress_), Remedy::skip);
  progress_.skipped = 2;
  EXPECT_EQ(policy_.after_bad_step(progress_), Remedy::stop);
  step(1);
  EXPECT_EQ(progress_.skipped, 0);
}

TEST_F(RunPolicyTest, AnotherBatchDoesNotMendABadUpdate) {
  config_.divergence = {.action = "skip", .limit = 2};
  EXPECT_EQ(policy_.after_bad_update(progress_), Remedy::stop);
  config_.divergence.action = "rollback";
  EXPECT_EQ(policy_.after_bad_update(progress_), Remedy::roll_back);
  progress_.rollbacks = 2;
  EXPECT_EQ(policy_.after_bad_update(progress_), Remedy::stop);
}

TEST_F(RunPolicyTest, AFaultOfAMachineIsOutlivedThreeTimesInARowIfAsked) {
  EXPECT_FALSE(policy_.goes_back_after_fault(0));
  EXPECT_FALSE(policy_.may_go_back());
  config_.audit.action = "rollback";
  EXPECT_TRUE(policy_.may_go_back());
  EXPECT_TRUE(policy_.goes_back_after_fault(0));
  EXPECT_TRUE(policy_.goes_back_after_fault(2));
  EXPECT_FALSE(policy_.goes_back_after_fault(3));
}

TEST_F(RunPolicyTest, DivergenceGoesBackToAMultipleOfTheCheckpointInterval) {
  config_.checkpoint.every = {2, config::Interval::Unit::epochs};
  EXPECT_EQ(policy_.rollback_steps(7), 1u);
  config_.divergence.action = "rollback";
  EXPECT_EQ(policy_.rollback_steps(7), 14u);
  EXPECT_TRUE(policy_.may_go_back());
}

}  // namespace
}  // namespace lockstep
