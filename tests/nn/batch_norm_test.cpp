#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/nn/workspace.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/optim/statistic.hpp"
#include "nn/layer_run.hpp"
#include "nn/reference/batch_norm.hpp"

namespace lockstep {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

constexpr Shape kTwo{1, 1, 2};

// One channel pair: weight (2, 3), bias (10, 20), running mean (1, 2), running variance (4, 9).
void set_parameters(LayerRun& run) {
  const float values[] = {2, 3, 10, 20, 1, 2, 4, 9};
  for (std::size_t i = 0; i < 8; ++i) run.parameter(i / 2, i % 2) = values[i];
}

TEST(BatchNorm, NormalizesEachMicrobatchOnItsOwn) {
  const auto layer = batch_norm({.epsilon = 1e-12});
  LayerRun run(*layer, {kTwo}, microbatches_of({2, 2}));
  set_parameters(run);
  std::ranges::copy(std::vector<Real>{1, 0, 3, 8, 100, 5, 300, 7}, run.input().begin());
  run.forward();
  EXPECT_THAT(run.output(), ElementsAre(8, 17, 12, 23, 8, 17, 12, 23));
}

TEST(BatchNorm, MeasuresMeanAndUnbiasedVarianceTimesSamples) {
  const auto layer = batch_norm();
  LayerRun run(*layer, {kTwo}, microbatches_of({2, 3}));
  set_parameters(run);
  std::ranges::copy(std::vector<Real>{1, 0, 3, 8, 1, 0, 2, 0, 3, 0}, run.input().begin());
  run.forward();
  run.backward();
  EXPECT_EQ(run.gradient(2, 0), 2 * 2 + 3 * 2);
  EXPECT_EQ(run.gradient(2, 1), 2 * 4 + 3 * 0);
  EXPECT_EQ(run.gradient(3, 0), 2 * 2 + 3 * 1);
  EXPECT_EQ(run.gradient(3, 1), 2 * 32 + 3 * 0);
}

TEST(BatchNorm, OneValueAndNoneDivideByNothing) {
  const auto layer = batch_norm();
  LayerRun run(*layer, {kTwo}, microbatches_of({1, 0}));
  set_parameters(run);
  std::ranges::copy(std::vector<Real>{7, -7}, run.input().begin());
  std::ranges::fill(run.output_gradient(), Real{1});
  run.forward();
  EXPECT_THAT(run.output(), ElementsAre(10, 20));
  run.backward();
  EXPECT_THAT(run.input_gradient(), Each(0));
  for (std::size_t p = 0; p < 4; ++p) EXPECT_TRUE(std::isfinite(run.gradient(p, 1))) << p;
  EXPECT_EQ(run.gradient(2, 0), 7);
  EXPECT_EQ(run.gradient(3, 0), 0);
}

TEST(BatchNorm, RefusesWrongOptions) {
  for (const double bad : {0.0, -0.1, 1.1, std::nan("")}) {
    EXPECT_THROW(batch_norm({.momentum = bad}), Error);
  }
  for (const double bad : {0.0, -1.0, double{INFINITY}, std::nan("")}) {
    EXPECT_THROW(batch_norm({.epsilon = bad}), Error);
  }
}

// The formula of make_layer_references.py.
std::vector<Real> numbers(Index stream, Index count, double scale) {
  std::vector<Real> values;
  for (Index i = 0; i < count; ++i) {
    values.push_back(
        static_cast<Real>(static_cast<double>((i * 97 + stream * 31) % 199 - 99) / 64 * scale));
  }
  return values;
}

// One microbatch is the whole batch, so that PyTorch's statistics are ours.
TEST(BatchNorm, TwentyStepsAndTheEvaluationAfterThemArePyTorchs) {
  constexpr Index kSamples = 8;
  const BatchNormReference expected;
  Network network({3, 2, 5});
  network.add(batch_norm());
  network.add(conv2d(4));
  network.add(batch_norm({.momentum = 0.3, .epsilon = 0.01}));
  network.add(relu());
  network.add(global_avg_pool());
  network.add(linear(3));
  const ParameterTable& table = network.parameters();
  Buffer<Real> parameters(table.size()), gradient(table.size()), velocity(table.size());
  table.initialize(1, parameters.span());
  Index number = 10;
  for (const Parameter& p : table.parameters()) {
    if (p.spec.role() == Role::statistic) continue;
    from_file_layout(p, numbers(number++, p.spec.size(), 0.125), parameters.span());
  }
  const Microbatch whole{0, 0, kSamples};
  Pass pass{.microbatches = {&whole, 1}, .training = true, .random = {}};
  Workspace workspace(network, {.samples = kSamples, .microbatches = 1, .threads = thread_count()});
  const std::span<Real> input = workspace.input().values(kSamples);
  const auto loss = cross_entropy();
  const auto optimizer = sgd({.momentum = 0.9});
  const std::vector<std::int32_t> labels{0, 1, 2, 0, 1, 2, 0, 1};
  const GradientBlock block{{0, 1}, gradient.span()};
  for (std::size_t step = 0; step < expected.losses.size(); ++step) {
    const auto factor = static_cast<Real>(1 + static_cast<double>(step) / 16);
    const std::vector<Real> x = numbers(1, static_cast<Index>(input.size()), 1);
    std::ranges::transform(x, input.begin(), [=](Real v) { return v * factor; });
    MetricSums sums{};
    network.forward(parameters.span(), pass, workspace);
    evaluate_loss(*loss, pass, workspace.output(), {.labels = labels, .values = {}},
                  Real{1} / kSamples, workspace.output_gradient(), {&sums, 1});
    network.backward(parameters.span(), pass, workspace, {&block, 1}, [](Index) {});
    for (const RoleRange& part : table.roles()) {
      const auto w = parameters.span(part.range.begin, part.range.size());
      const auto g = gradient.span(part.range.begin, part.range.size());
      const std::span<Real> v = velocity.span(part.range.begin, part.range.size());
      if (part.learned()) {
        optimizer->step(w, g, {&v, 1}, {.step = step + 1, .learning_rate = 0.1});
      } else {
        average_statistics(w, g, part.averaging, kSamples);
      }
    }
    EXPECT_NEAR(sums[0] / kSamples, expected.losses[step], 1e-5) << "in step " << step;
  }
  std::size_t statistic = 0;
  for (const Parameter& p : table.parameters()) {
    if (p.spec.role() != Role::statistic) continue;
    std::vector<Real> found(static_cast<std::size_t>(p.spec.size()));
    to_file_layout(p, parameters.span(), found);
    EXPECT_THAT(found, Pointwise(FloatNear(1e-5f), expected.statistics[statistic++])) << p.name;
  }
  pass.training = false;
  std::ranges::copy(numbers(1, static_cast<Index>(input.size()), 1), input.begin());
  network.forward(parameters.span(), pass, workspace);
  EXPECT_THAT(workspace.output().values(kSamples), Pointwise(FloatNear(1e-4f), expected.evaluated));
}

TEST(ParameterTable, TellsRolesAndMergesNeighbours) {
  Network network({.channels = 20});
  network.add(batch_norm());
  network.add(linear(3));
  network.add(linear(4, {.bias = false}));
  network.add(linear(5, {.bias = false}));
  const std::vector<RoleRange> roles = network.parameters().roles();
  ASSERT_EQ(roles.size(), 5u);
  EXPECT_EQ(roles[0].range, (Range{0, 64}));
  EXPECT_EQ(roles[0].role, Role::bias);
  EXPECT_EQ(roles[1].range, (Range{64, 128}));
  EXPECT_EQ(roles[1].role, Role::statistic);
  EXPECT_EQ(roles[1].averaging, 0.1);
  EXPECT_EQ(roles[2].role, Role::weight);
  EXPECT_EQ(roles[3].role, Role::bias);
  EXPECT_EQ(roles[4].role, Role::weight);
  EXPECT_EQ(roles[4].range.end, network.parameters().size());
  EXPECT_EQ(network.parameters().count(), 2 * 20 + 20 * 3 + 3 + 3 * 4 + 4 * 5);
}

}  // namespace
}  // namespace lockstep
