#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/nn/workspace.hpp"
#include "nn/gradient_check.hpp"

// Whole networks for sequences of symbols: d(weighted loss) / d(every parameter) against central
// differences, in double precision.

namespace lockstep {
namespace {

constexpr Index kSymbols = 5;
constexpr Index kSamples = 5;

void check_network_gradients(const Network& network) {
  const auto microbatches = microbatches_of({2, 0, 3});
  const Pass pass{.microbatches = microbatches, .training = true, .random = {}};
  Workspace workspace(network, {.samples = kSamples, .microbatches = 3, .threads = thread_count()});
  Buffer<Real> parameters(network.parameters().size());
  network.parameters().initialize(3, parameters.span());
  Index number = 0;
  for (Real& x : workspace.input().values(kSamples)) {
    x = static_cast<Real>(number * number % kSymbols);
    ++number;
  }
  const std::vector<std::int32_t> labels{0, 1, 2, 1, 0};
  const auto loss = cross_entropy();
  const Real weight = 0.2;
  const auto f = [&] {
    std::vector<MetricSums> sums(3);
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

TEST(SequenceNetworkGradient, OfATransformer) {
  Network network({6, 1, 1});
  network.add(embedding({.symbols = kSymbols, .dim = 4, .positions = Positions::learned}));
  network.add(attention({.heads = 2, .causal = true}));
  network.add(linear(8));
  network.add(gelu());
  network.add(linear(4));
  network.add(attention({.heads = 1}));
  network.add(flatten());
  network.add(linear(3));
  check_network_gradients(network);
}

TEST(SequenceNetworkGradient, OfAnLstmClassifier) {
  Network network({6, 1, 1});
  network.add(embedding({.symbols = kSymbols, .dim = 3, .positions = Positions::sinusoidal}));
  network.add(lstm(4));
  network.add(gru(4));
  network.add(lstm(3, {.last = true}));
  network.add(linear(3));
  check_network_gradients(network);
}

}  // namespace
}  // namespace lockstep
