#include "cli/scale/scaling_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "cli/scaling_testing.hpp"
#include "io/testing.hpp"

namespace lockstep::cli {
namespace {

constexpr const char* kDigits = LOCKSTEP_SOURCE_DIR "/scripts/configs/digits-mlp.toml";

bool holds(const std::vector<std::string>& line, const std::string& option,
           const std::string& value) {
  const std::array pair = {option, value};
  return std::search(line.begin(), line.end(), pair.begin(), pair.end()) != line.end();
}

TEST(ScalingPlanTest, EachRepeatVisitsAllPointsInAnOrderOfItsOwn) {
  const std::vector<ScalingPoint> points = {{1, 1}, {2, 1}, {4, 1}, {8, 1}};
  const std::vector<ScalingRun> runs = interleaved(points, 10);
  ASSERT_EQ(runs.size(), 40u);
  std::set<std::vector<int>> orders;
  for (std::size_t begin = 0; begin < runs.size(); begin += 4) {
    std::vector<int> order;
    for (std::size_t i = begin; i < begin + 4; ++i) {
      EXPECT_EQ(runs[i].repeat, static_cast<int>(begin / 4) + 1);
      order.push_back(runs[i].point.ranks);
    }
    orders.insert(order);
    std::ranges::sort(order);
    EXPECT_EQ(order, (std::vector{1, 2, 4, 8}));
  }
  EXPECT_GT(orders.size(), 5u) << "the orders are hardly random";
  EXPECT_EQ(interleaved(points, 10), runs) << "the seed is fixed";
}

TEST(ScalingPlanTest, PointsAreSortedAndRunsAreLongEnough) {
  const ScalingPlan plan = plan_scaling(
      {.config_file = kDigits, .ranks = {4, 1}, .threads = {2, 1}, .steps = 500, .warmup = 100});
  ASSERT_EQ(plan.points.size(), 4u);
  EXPECT_EQ(plan.points.front(), (ScalingPoint{1, 1}));
  EXPECT_EQ(plan.points.back(), (ScalingPoint{4, 2}));
  EXPECT_EQ(plan.runs.size(), 20u);
  EXPECT_EQ(plan.length, "run.epochs=601");
  EXPECT_EQ(plan.name, "digits-mlp");
}

TEST(ScalingPlanTest, AllPointsHaveTheMicrobatchesOfTheLargest) {
  const ScalingPlan plan = plan_scaling({.config_file = kDigits, .ranks = {1, 12}});
  EXPECT_EQ(plan.microbatches_of({1, 1}), 16);
  EXPECT_EQ(plan.microbatches_of({12, 1}), 16);
  EXPECT_EQ(plan.batch_of({12, 1}), 64);
}

TEST(ScalingPlanTest, InWeakModeEachRankHasTheWorkOfOne) {
  const ScalingPlan plan =
      plan_scaling({.config_file = kDigits, .ranks = {1, 3}, .mode = ScalingMode::weak});
  EXPECT_EQ(plan.batch_of({3, 1}), 3 * 64);
  EXPECT_EQ(plan.microbatches_of({3, 1}), 3 * 8);
  EXPECT_EQ(plan.microbatches_of({1, 1}), 8);
}

TEST(ScalingPlanTest, ImpossibleRequestsAreRefusedWithTheRemedy) {
  const auto plan = [](ScalingRequest request) {
    request.config_file = kDigits;
    static_cast<void>(plan_scaling(request));
  };
  expect_error(ExitCode::usage, "2 stands there twice", [&] { plan({.ranks = {2, 1, 2}}); });
  expect_error(ExitCode::usage, "--set data.batch=128", [&] { plan({.ranks = {1, 65}}); });
  expect_error(ExitCode::usage, "--set parallel.microbatches=16",
               [&] { plan({.assignments = {"parallel.microbatches=8"}, .ranks = {9}}); });
  expect_error(ExitCode::system, "--mpirun FILE",
               [&] { plan({.ranks = {1}, .mpirun = "no-such-launcher"}); });
  expect_error(ExitCode::system, "is not a program", [&] { plan({.ranks = {1}, .mpirun = "/"}); });
  expect_error(ExitCode::config, "unknown key",
               [&] { plan({.assignments = {"run.sede=1"}, .ranks = {1}}); });
  expect_error(ExitCode::no_input, "none.toml",
               [] { static_cast<void>(plan_scaling({.config_file = "none.toml", .ranks = {1}})); });
}

TEST(ScalingPlanTest, CommandsTimeNothingButSteps) {
  ScalingPlan plan = plan_for({1, 2, 4}, 2);
  plan.request.assignments = {"optimizer.lr=0.5"};
  const auto line = command_of(plan, {{2, 1}, 3}, "out/np2-t1-3");
  EXPECT_EQ(line.front(), "/usr/bin/mpirun");
  EXPECT_TRUE(holds(line, "-np", "2"));
  EXPECT_TRUE(holds(line, "--bind-to", "core"));
  EXPECT_TRUE(holds(line, "--max-steps", "60"));
  EXPECT_TRUE(holds(line, "--run-dir", "out/np2-t1-3"));
  EXPECT_TRUE(holds(line, "--set", "optimizer.lr=0.5"));
  EXPECT_TRUE(holds(line, "--set", "parallel.microbatches=8"));
  EXPECT_TRUE(holds(line, "--set", "log.every=\"1 steps\""));
  EXPECT_TRUE(holds(line, "--set", "checkpoint.best=none"));
  EXPECT_TRUE(holds(line, "--set", "stop.gradient_norm=0.0"));
}

TEST(ScalingPlanTest, PointsThatDoNotFitAreNotBound) {
  const ScalingPlan plan = plan_for({1, 4}, 2);
  EXPECT_TRUE(holds(command_of(plan, {{4, 1}, 1}, "d"), "--bind-to", "none"));
  EXPECT_TRUE(holds(command_of(plan, {{1, 2}, 1}, "d"), "--map-by", "slot:PE=2"));
  EXPECT_EQ(plan.load_of({4, 1}), 2);
}

}  // namespace
}  // namespace lockstep::cli
