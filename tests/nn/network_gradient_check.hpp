#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/nn/workspace.hpp"
#include "nn/gradient_check.hpp"

namespace lockstep {

/// Checks d(weighted loss) / d(every learned parameter) of a network with three outputs against
/// central differences. The inputs are symbols below `symbols`, or any numbers if this is 0.
inline void check_network_gradients(const Network& network, Index symbols = 0) {
  constexpr Index kSamples = 5;
  const auto microbatches = microbatches_of({2, 0, 3});
  const Pass pass{.microbatches = microbatches, .training = true, .random = {}};
  Workspace workspace(network, {.samples = kSamples, .microbatches = 3, .threads = thread_count()});
  Buffer<Real> parameters(network.parameters().size());
  network.parameters().initialize(3, parameters.span());
  std::vector<Real> input(static_cast<std::size_t>(kSamples * network.input_shape().size()));
  fill_test_values(input, 1);
  for (std::size_t i = 0; symbols > 0 && i < input.size(); ++i) {
    input[i] = static_cast<Real>(static_cast<Index>(i * i) % symbols);
  }
  const std::vector<std::int32_t> labels{0, 1, 2, 1, 0};
  const auto loss = cross_entropy();
  const Real weight = 0.2;

  const auto f = [&] {
    std::vector<MetricSums> sums(3);
    std::ranges::copy(input, workspace.input().data);
    network.forward(parameters.span(), pass, workspace);
    evaluate_loss(*loss, pass, workspace.output(), {.labels = labels, .values = {}}, weight,
                  workspace.output_gradient(), sums);
    return weight * (sums[0][0] + sums[1][0] + sums[2][0]);
  };
  f();
  Buffer<Real> first(parameters.size()), second(parameters.size());
  const std::vector<GradientBlock> blocks{{{0, 2}, first.span()}, {{2, 1}, second.span()}};
  network.backward(parameters.span(), pass, workspace, blocks, [](Index) {});
  double largest = 0;
  for (const Parameter& p : network.parameters().parameters()) {
    if (p.spec.role() == Role::statistic) continue;  // measured, not learned
    for (Index i = 0; i < p.spec.size(); ++i) {
      const Index at = p.offset + p.spec.stored_at(i);
      const double gradient = first.data()[at] + second.data()[at];
      largest = std::max(largest, std::fabs(gradient));
      expect_derivative(f, parameters.data()[at], gradient, p.name + " at " + std::to_string(i),
                        0.1);
    }
  }
  EXPECT_GT(largest, 1e-3);
}

}  // namespace lockstep
