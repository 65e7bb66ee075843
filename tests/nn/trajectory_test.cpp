#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/nn/workspace.hpp"
#include "lockstep/optim/norm.hpp"
#include "nn/layer_run.hpp"
#include "nn/reference/trajectories.hpp"

// Layers, losses and optimizers together, step by step against PyTorch. Both compute in float32 but
// sum in other orders; 20 steps left differences of 2e-7 at most, and 1e-5 is far below what any
// wrong factor would make.

namespace lockstep {
namespace {

constexpr double kTrajectoryTolerance = 1e-5;

class TrajectoryTest : public testing::TestWithParam<Trajectory> {};

// max |a - b| / max |b|
double greatest_difference(std::span<const Real> a, std::span<const Real> b) {
  double most = 0, largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    most = std::max(most, std::fabs(double{a[i]} - double{b[i]}));
    largest = std::max(largest, std::fabs(double{b[i]}));
  }
  return most / largest;
}

Network network_of(const Trajectory& t, Index inputs) {
  Network network({1, 1, inputs});
  network.add(linear(8), "fc1");
  network.add(t.activations[0]());
  network.add(linear(5), "fc2");
  network.add(t.activations[1]());
  network.add(linear(static_cast<Index>(t.initial.back().size())), "fc3");
  return network;
}

TEST_P(TrajectoryTest, IsPyTorchs) {
  const Trajectory& t = GetParam();
  const Index samples = 12;
  const Network network = network_of(t, static_cast<Index>(t.inputs.size()) / samples);
  const std::vector<Parameter>& table = network.parameters().parameters();
  const auto loss = t.labels.empty() ? mean_squared_error() : cross_entropy();
  const Targets targets{.labels = t.labels,
                        .values = {t.values.data(), samples, network.output_shape().size()}};
  const auto optimizer = t.optimizer();

  const auto microbatches = microbatches_of({3, 3, 3, 3});
  const Pass pass{.microbatches = microbatches, .training = true, .random = {}};
  Workspace workspace(network, {.samples = samples, .microbatches = 4, .threads = thread_count()});
  const Index size = network.parameters().size();
  Buffer<Real> parameters(size), gradient(size);
  std::vector<Buffer<Real>> state;
  std::vector<std::span<Real>> slots;
  for (std::size_t s = 0; s < optimizer->slots().size(); ++s) {
    slots.push_back(state.emplace_back(size).span());
  }
  for (std::size_t p = 0; p < table.size(); ++p) {
    from_file_layout(table[p], t.initial[p], parameters.span());
  }
  std::ranges::copy(t.inputs, workspace.input().values(samples).begin());

  const GradientBlock block{{0, 4}, gradient.span()};
  for (std::size_t step = 0; step < t.losses.size(); ++step) {
    std::vector<MetricSums> sums(4);
    network.forward(parameters.span(), pass, workspace);
    evaluate_loss(*loss, pass, workspace.output(), targets, 1 / static_cast<Real>(samples),
                  workspace.output_gradient(), sums);
    network.backward(parameters.span(), pass, workspace, {&block, 1}, [](Index) {});
    optimizer->step(
        parameters.span(), gradient.span(), slots,
        {.step = step + 1,
         .learning_rate = t.learning_rate,
         .gradient_scale = clip_scale(std::sqrt(square_sum(gradient.span())), t.clip_norm)});
    MetricSums total{};
    for (const MetricSums& s : sums) total[0] += s[0];
    const double expected = t.losses[step];
    EXPECT_NEAR(total[0] / samples, expected, kTrajectoryTolerance * expected)
        << "in step " << step;
  }

  for (std::size_t p = 0; p < table.size(); ++p) {
    std::vector<Real> trained(t.trained[p].size());
    to_file_layout(table[p], parameters.span(), trained);
    EXPECT_LT(greatest_difference(trained, t.trained[p]), kTrajectoryTolerance) << table[p].name;
    EXPECT_GT(greatest_difference(t.initial[p], t.trained[p]), 100 * kTrajectoryTolerance)
        << "nothing was learned";
  }
}

INSTANTIATE_TEST_SUITE_P(All, TrajectoryTest, testing::ValuesIn(trajectories()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace lockstep
