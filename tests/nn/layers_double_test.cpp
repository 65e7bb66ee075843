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
#include "nn/layer_cases.hpp"
#include "nn/loss_cases.hpp"
#include "nn/network_gradient_check.hpp"

// Backward against central differences, in double precision.

namespace lockstep {
namespace {

static_assert(sizeof(Real) == sizeof(double));

// Shares whose microbatches have no, one and several samples; three and five microbatches make
// several gradient blocks.
const std::vector<std::vector<Index>> kShares{{1}, {3}, {0, 1, 3}, {2, 0, 1, 1, 2}};

class LayerGradient : public testing::TestWithParam<LayerCase> {};

TEST_P(LayerGradient, AgreesWithCentralDifferences) {
  const auto layer = GetParam().make();
  for (const std::vector<Index>& rows : kShares) {
    SCOPED_TRACE(GetParam().name + " with " + std::to_string(rows.size()) + " microbatches");
    LayerRun run(*layer, GetParam().inputs, microbatches_of(rows));
    check_layer_gradients(run, GetParam().kink, GetParam().symbols);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LayerGradient, testing::ValuesIn(layer_cases()),
                         [](const auto& row) { return row.param.name; });

void keep_apart(std::span<Real> prediction, std::span<const Real> answers, double distance) {
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    if (std::fabs(prediction[i] - answers[i]) < distance) prediction[i] = answers[i] + 2 * distance;
  }
}

class LossGradient : public testing::TestWithParam<LossCase> {};

TEST_P(LossGradient, AgreesWithCentralDifferences) {
  for (const Index columns : {1, 2, 10, 37}) {
    const auto loss = GetParam().make(columns);
    const Index rows = 4;
    Buffer<Real> prediction(rows * columns), answers(rows * columns), gradient(rows * columns);
    fill_test_values(prediction.span(), 1);
    fill_test_values(answers.span(), 2);
    keep_apart(prediction.span(), answers.span(), GetParam().kink);
    const std::vector<std::int32_t> labels{0, static_cast<std::int32_t>(columns - 1),
                                           static_cast<std::int32_t>(columns / 2), -1};
    const Targets targets{.labels = labels, .values = {answers.data(), rows, columns}};
    const Real weight = 0.3;
    const auto f = [&] {
      MetricSums sums{};
      loss->evaluate({prediction.data(), rows, columns}, targets, weight, {}, sums);
      return weight * sums[0];
    };
    MetricSums sums{};
    loss->evaluate({prediction.data(), rows, columns}, targets, weight,
                   {gradient.data(), rows, columns}, sums);
    for (std::size_t i = 0; i < prediction.span().size(); ++i) {
      expect_derivative(f, prediction.span()[i], gradient.span()[i],
                        std::to_string(columns) + " columns, at " + std::to_string(i));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, LossGradient, testing::ValuesIn(loss_cases()),
                         [](const auto& row) { return row.param.name; });

TEST(NetworkGradient, OfAChainAgreesWithCentralDifferences) {
  Network network({2, 2, 3});
  network.add(linear(4));
  network.add(gelu());
  network.add(flatten());
  network.add(linear(9, {.bias = false}));
  network.add(tanh());
  network.add(linear(8));
  network.add(sigmoid());
  network.add(linear(7));
  network.add(relu());
  network.add(linear(3));
  check_network_gradients(network);
}

// Values with several consumers, layers with several inputs, norms and dropout.
TEST(NetworkGradient, OfAResidualGraphAgreesWithCentralDifferences) {
  Network network({4, 3, 2});
  const Value stem = network.add(conv2d(4));
  const Value low = network.add(group_norm(2), "norm1");
  network.add(silu());
  network.add(conv2d(4));
  network.add(batch_norm(), "norm2");
  const Value main = network.add(dropout(0.3));
  const Value joined = network.add(sum(), "sum1", {main, stem, low});
  network.add(layer_norm(), "norm3");
  network.add(gelu());
  const Value other = network.add(linear(4));
  const Value again = network.add(sum(), "sum2", {other, joined});
  network.add(concat(), "concat", {again, low, network.input()});
  network.add(rms_norm(), "norm4");
  network.add(dropout(0.2));
  network.add(softmax());
  network.add(flatten());
  network.add(linear(3));
  check_network_gradients(network);
}

}  // namespace
}  // namespace lockstep
