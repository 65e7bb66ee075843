#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/nn/workspace.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "nn/layer_run.hpp"
#include "nn/reference/sequences.hpp"

// Layers for sequences against PyTorch: predictions, gradients, and 20 steps. Both compute in
// float32 but sum in other orders; the tolerance is that of trajectory_test.cpp.

namespace lockstep {
namespace {

constexpr double kSequenceTolerance = 1e-5;
constexpr Index kSequenceSamples = 6, kPositions = 5, kChannels = 4, kSymbols = 7, kClasses = 3;

Network network_of(const std::string& name) {
  const bool symbols = name == "transformer" || name == "sinusoidal";
  Network network({kPositions, 1, symbols ? 1 : kChannels});
  const auto embed = [&](Positions positions) {
    network.add(embedding({.symbols = kSymbols, .dim = kChannels, .positions = positions}),
                "embed");
  };
  if (name == "attention") {
    network.add(attention({.heads = 2}), "mix");
  } else if (name == "attention_without_bias") {
    network.add(attention({.heads = 2, .causal = true, .bias = false}), "mix");
  } else if (name == "transformer") {
    embed(Positions::learned);
    network.add(attention({.heads = 2, .causal = true}), "mix");
    network.add(gelu());
    network.add(attention({.heads = 2, .causal = true}), "again");
  } else if (name == "sinusoidal") {
    embed(Positions::sinusoidal);
  } else if (name == "lstm") {
    network.add(lstm(3), "mix");
  } else if (name == "lstm_last") {
    network.add(lstm(5, {.last = true}), "mix");
  } else if (name == "gru") {
    network.add(gru(3), "mix");
  } else if (name == "gru_last") {
    network.add(gru(5, {.last = true}), "mix");
  }
  network.add(flatten());
  network.add(linear(kClasses), "head");
  return network;
}

// max |a - b| / max |b|
double difference(std::span<const Real> a, std::span<const Real> b) {
  double most = 0, largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double d = std::fabs(double{a[i]} - double{b[i]});
    if (!(d <= most)) most = d;
    largest = std::max(largest, std::fabs(double{b[i]}));
  }
  return most / largest;
}

// Compares what a flat buffer holds for each parameter.
void expect_parameters(const ParameterTable& table, std::span<const Real> flat,
                       const std::vector<std::vector<float>>& expected, const char* what) {
  for (std::size_t p = 0; p < table.parameters().size(); ++p) {
    std::vector<Real> mine(expected[p].size());
    to_file_layout(table.parameters()[p], flat, mine);
    EXPECT_LT(difference(mine, expected[p]), kSequenceTolerance)
        << what << " of " << table.parameters()[p].name;
  }
}

class SequenceTrajectoryTest : public testing::TestWithParam<SequenceTrajectory> {};

TEST_P(SequenceTrajectoryTest, IsPyTorchs) {
  const SequenceTrajectory& t = GetParam();
  const Network network = network_of(t.name);
  const ParameterTable& table = network.parameters();
  const Targets targets{.labels = t.labels, .values = {}};
  const auto loss = cross_entropy();
  const auto optimizer = sgd({.momentum = 0.9});

  const auto microbatches = microbatches_of({2, 1, 0, 3});
  const Pass pass{.microbatches = microbatches, .training = true, .random = {}};
  Workspace workspace(network,
                      {.samples = kSequenceSamples, .microbatches = 4, .threads = thread_count()});
  Buffer<Real> parameters(table.size()), gradient(table.size()), momentum(table.size());
  const std::vector<std::span<Real>> slots{momentum.span()};
  ASSERT_EQ(table.parameters().size(), t.names.size());
  for (std::size_t p = 0; p < t.names.size(); ++p) {
    EXPECT_EQ(table.parameters()[p].name, t.names[p]);
    ASSERT_EQ(table.parameters()[p].spec.size(), static_cast<Index>(t.initial[p].size()));
    from_file_layout(table.parameters()[p], t.initial[p], parameters.span());
  }
  std::ranges::copy(t.inputs, workspace.input().values(kSequenceSamples).begin());

  const GradientBlock block{{0, 4}, gradient.span()};
  for (std::size_t step = 0; step < t.losses.size(); ++step) {
    std::vector<MetricSums> sums(4);
    network.forward(parameters.span(), pass, workspace);
    if (step == 0) {
      EXPECT_LT(difference(workspace.output().values(kSequenceSamples), t.predictions),
                kSequenceTolerance);
    }
    evaluate_loss(*loss, pass, workspace.output(), targets, 1 / static_cast<Real>(kSequenceSamples),
                  workspace.output_gradient(), sums);
    network.backward(parameters.span(), pass, workspace, {&block, 1}, [](Index) {});
    if (step == 0) expect_parameters(table, gradient.span(), t.gradients, "gradient");
    optimizer->step(parameters.span(), gradient.span(), slots,
                    {.step = step + 1, .learning_rate = 0.02, .gradient_scale = 1});
    double total = 0;
    for (const MetricSums& s : sums) total += s[0];
    EXPECT_NEAR(total / kSequenceSamples, double{t.losses[step]},
                kSequenceTolerance * double{t.losses[step]})
        << "in step " << step;
  }
  expect_parameters(table, parameters.span(), t.trained, "trained value");
  EXPECT_GT(difference(t.initial[0], t.trained[0]), 100 * kSequenceTolerance)
      << "nothing was learned";
}

INSTANTIATE_TEST_SUITE_P(All, SequenceTrajectoryTest, testing::ValuesIn(sequence_trajectories()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace lockstep
