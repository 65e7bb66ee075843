#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lockstep/nn/layers.hpp"
#include "lockstep/train/model.hpp"
#include "nn/reference/losses.hpp"

// Losses, their gradients and what is learned by them, against PyTorch in float64. Ours is float32
// apart from the sums; 1e-5 is far above its rounding and far below what a wrong factor would make.

namespace lockstep {
namespace {

constexpr float kTolerance = 1e-5f;

class LossReferenceTest : public testing::TestWithParam<LossReference> {};

Targets targets_of(const LossReference& r, Index rows) {
  if (r.values.empty()) return {.labels = r.labels, .values = {}};
  return {.labels = {}, .values = {r.values.data(), rows, r.outputs}};
}

TEST_P(LossReferenceTest, ValuesAndGradientArePyTorchs) {
  const LossReference& r = GetParam();
  const auto loss = r.make();
  const auto samples = static_cast<Index>(r.losses.size());
  for (Index i = 0; i < samples; ++i) {
    std::vector<float> gradient(static_cast<std::size_t>(r.outputs));
    MetricSums sums{};
    const auto first = static_cast<std::size_t>(i * r.outputs);
    loss->evaluate({r.prediction.data() + first, 1, r.outputs}, targets_of(r, samples).rows(i, 1),
                   1, {gradient.data(), 1, r.outputs}, sums);
    EXPECT_NEAR(sums[0], r.losses[static_cast<std::size_t>(i)], kTolerance) << "sample " << i;
    for (std::size_t j = 0; j < gradient.size(); ++j) {
      EXPECT_NEAR(gradient[j], r.gradient[first + j], kTolerance) << "sample " << i;
    }
  }
}

TEST_P(LossReferenceTest, TwentyStepsArePyTorchs) {
  const LossReference& r = GetParam();
  const auto samples = static_cast<Index>(r.losses.size());
  Network network({1, 1, static_cast<Index>(r.inputs.size()) / samples});
  network.add(linear(r.outputs), "fc");
  Model model(network, samples);
  const std::vector<Parameter>& table = network.parameters().parameters();
  for (std::size_t p = 0; p < table.size(); ++p) {
    from_file_layout(table[p], r.initial[p], model.parameters());
  }
  const auto loss = r.make();
  const auto rule = sgd();
  for (int step = 0; step < 20; ++step) {
    model.forward(r.inputs);
    if (r.values.empty()) {
      model.loss(*loss, std::span<const std::int32_t>(r.labels));
    } else {
      model.loss(*loss, std::span<const Real>(r.values));
    }
    model.backward();
    model.step(*rule, 0.2);
  }
  for (std::size_t p = 0; p < table.size(); ++p) {
    std::vector<float> found(r.trained[p].size());
    to_file_layout(table[p], model.parameters(), found);
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_NEAR(found[i], r.trained[p][i], kTolerance) << table[p].name << " at " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, LossReferenceTest, testing::ValuesIn(loss_references()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace lockstep
