#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/nn/workspace.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "nn/layer_run.hpp"
#include "nn/reference/layer_references.hpp"

// Layers one by one, alone and over 20 steps in a small network, against PyTorch. Ours computes in
// float32.

namespace lockstep {
namespace {

constexpr double kTolerance = 1e-5;

// The formula of pytorch_layers.py.
std::vector<Real> reference_numbers(Index stream, Index count, double scale = 1) {
  std::vector<Real> values;
  for (Index i = 0; i < count; ++i) {
    values.push_back(
        static_cast<Real>(static_cast<double>((i * 97 + stream * 31) % 199 - 99) / 64 * scale));
  }
  return values;
}

// The parameters of a layer, or of a network, by their positions in files.
void fill_parameter(const Parameter& parameter, Index number, std::span<Real> flat) {
  from_file_layout(parameter, reference_numbers(10 + number, parameter.spec.size(), 0.125), flat);
}

void expect_near(std::span<const Real> found, std::span<const float> expected,
                 const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  double largest = 0;
  for (const float e : expected) largest = std::max(largest, std::fabs(double{e}));
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(double{found[i]}, double{expected[i]}, kTolerance * largest) << what << " at " << i;
  }
}

class LayerReferenceTest : public testing::TestWithParam<LayerReference> {};

TEST_P(LayerReferenceTest, IsPyTorchs) {
  const LayerReference& r = GetParam();
  const auto layer = r.make();
  Network network(r.input);
  network.add(r.make());
  const std::vector<Parameter>& table = network.parameters().parameters();
  LayerRun run(*layer, {r.input}, microbatches_of({1, 0, 2, 0}));
  std::ranges::copy(reference_numbers(1, static_cast<Index>(run.input().size())),
                    run.input().begin());
  for (std::size_t p = 0; p < table.size(); ++p) {
    fill_parameter(table[p], static_cast<Index>(p), run.flat_parameters());
  }
  run.forward();
  expect_near(run.output(), r.output, "output");
  std::ranges::copy(reference_numbers(2, static_cast<Index>(run.output().size())),
                    run.output_gradient().begin());
  run.backward();
  expect_near(run.input_gradient(), r.input_gradient, "input gradient");
  ASSERT_EQ(run.blocks().size(), 1U);
  ASSERT_EQ(table.size(), r.parameter_gradients.size());
  for (std::size_t p = 0; p < table.size(); ++p) {
    std::vector<Real> gradient(r.parameter_gradients[p].size());
    to_file_layout(table[p], run.flat_gradient(0), gradient);
    expect_near(gradient, r.parameter_gradients[p], table[p].name);
  }
}

TEST_P(LayerReferenceTest, TwentyStepsArePyTorchs) {
  constexpr Index kSamples = 12;
  const LayerReference& r = GetParam();
  Network network(r.input);
  network.add(linear(r.input.channels));
  network.add(r.make());
  network.add(flatten());
  network.add(linear(3));
  const auto microbatches = microbatches_of({3, 3, 3, 3});
  const Pass pass{.microbatches = microbatches, .training = true, .random = {}};
  Workspace workspace(network, {.samples = kSamples, .microbatches = 4, .threads = thread_count()});
  const Index size = network.parameters().size();
  Buffer<Real> parameters(size), gradient(size), velocity(size);
  const std::vector<Parameter>& table = network.parameters().parameters();
  for (std::size_t p = 0; p < table.size(); ++p) {
    fill_parameter(table[p], static_cast<Index>(p), parameters.span());
  }
  std::vector<std::int32_t> labels;
  for (std::int32_t i = 0; i < kSamples; ++i) labels.push_back(i % 3);
  const auto loss = cross_entropy();
  const auto optimizer = sgd({.momentum = 0.9});
  const std::vector<std::span<Real>> state{velocity.span()};
  const GradientBlock block{{0, 4}, gradient.span()};
  for (std::size_t step = 0; step < r.losses.size(); ++step) {
    std::vector<MetricSums> sums(4);
    const std::span<Real> input = workspace.input().values(kSamples);
    std::ranges::copy(reference_numbers(1, static_cast<Index>(input.size())), input.begin());
    network.forward(parameters.span(), pass, workspace);
    evaluate_loss(*loss, pass, workspace.output(), {.labels = labels, .values = {}},
                  Real{1} / kSamples, workspace.output_gradient(), sums);
    network.backward(parameters.span(), pass, workspace, {&block, 1}, [](Index) {});
    optimizer->step(parameters.span(), gradient.span(), state,
                    {.step = step + 1, .learning_rate = 0.05});
    double total = 0;
    for (const MetricSums& s : sums) total += s[0];
    const double expected = r.losses[step];
    EXPECT_NEAR(total / kSamples, expected, kTolerance * expected) << "in step " << step;
  }
  EXPECT_LT(r.losses.back(), 0.999f * r.losses.front()) << "nothing was learned";
}

INSTANTIATE_TEST_SUITE_P(All, LayerReferenceTest, testing::ValuesIn(layer_references()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace lockstep
