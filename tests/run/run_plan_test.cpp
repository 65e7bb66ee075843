#include "run/run_plan.hpp"

#include <gtest/gtest.h>

#include "io/testing.hpp"
#include "lockstep/config/parse.hpp"

namespace lockstep {
namespace {

config::Config parse(const std::string& run, const std::string& optimizer = "",
                     const std::string& schedule = "") {
  return config::parse(
      {"test.toml", "[run]\n" + run +
                        "\n[data]\ntrain = \"x.csv\"\nbatch = 8\n[[layer]]\n"
                        "type = \"linear\"\nout = 3\n[loss]\n"
                        "type = \"cross_entropy\"\n[optimizer]\ntype = \"sgd\"\n"
                        "lr = 0.1\n" +
                        optimizer + "\n[schedule]\ntype = \"constant\"\n" + schedule + "\n"},
      {}, catalogue());
}

RunPlan plan_of(const config::Config& config, Index steps_per_epoch) {
  const std::uint64_t total_steps = total_steps_of(config, steps_per_epoch);
  const config::Interval never;
  RunPlan plan{.threads = 1,
               .info = {},
               .total_steps = total_steps,
               .first_step = 0,
               .resumed_from = {},
               .notes = {},
               .learning_rate = LearningRate(config, steps_per_epoch, total_steps),
               .log = Cadence(never, steps_per_epoch),
               .eval = Cadence(never, steps_per_epoch),
               .audit = Cadence(never, steps_per_epoch),
               .checkpoint = Cadence(never, steps_per_epoch)};
  plan.info.steps_per_epoch = steps_per_epoch;
  return plan;
}

TEST(RunPlan, CountsEpochs) {
  const RunPlan plan = plan_of(parse("epochs = 3"), 4);
  EXPECT_EQ(plan.total_steps, 12u);
  EXPECT_EQ(plan.epoch_of(1), 1u);
  EXPECT_EQ(plan.epoch_of(4), 1u);
  EXPECT_EQ(plan.epoch_of(5), 2u);
  EXPECT_EQ(plan.epoch_of(plan.total_steps), 3u);
  EXPECT_FALSE(plan.ends_epoch(5));
  EXPECT_TRUE(plan.ends_epoch(8));
  EXPECT_EQ(plan.epochs_after(6), 1.5);
}

TEST(RunPlan, StepsMayEndWithinAnEpoch) {
  const RunPlan plan = plan_of(parse("steps = 10"), 4);
  EXPECT_EQ(plan.total_steps, 10u);
  EXPECT_EQ(plan.epoch_of(plan.total_steps), 3u);
}

TEST(RunPlan, MoreStepsThanCanBeCountedAreRefused) {
  expect_error(ExitCode::config, "4611686018427387904 epochs of 4 steps are more than 2^63 steps",
               [] { static_cast<void>(total_steps_of(parse("epochs = 4611686018427387904"), 4)); });
}

TEST(RunPlan, NotesWhatTheLearningRateBecomes) {
  const auto notes = [](const config::Config& config) {
    return notes_on_learning_rate(config, LearningRate(config, 4, 12), 12);
  };
  using Notes = std::vector<std::string>;
  EXPECT_EQ(notes(parse("epochs = 3")), Notes{});
  EXPECT_EQ(notes(parse("epochs = 3", "scale_lr = \"linear\"\nbase_batch = 4\nema = 0.5")),
            (Notes{"learning rate 0.2 = 0.1 x 2: batch 8 instead of 4, scale_lr = \"linear\"",
                   "validation judges the average of the weights, optimizer.ema = 0.5"}));
  EXPECT_EQ(notes(parse("epochs = 3", "", "warmup = \"12 steps\"")),
            Notes{"the run ends within its warm-up: 12 steps of 12, so only the last one is made "
                  "with optimizer.lr"});
  EXPECT_EQ(notes(parse("epochs = 3", "", "warmup = \"20 steps\"")),
            Notes{"the run ends within its warm-up: 12 steps of 20, so optimizer.lr is never "
                  "reached"});
}

}  // namespace
}  // namespace lockstep
