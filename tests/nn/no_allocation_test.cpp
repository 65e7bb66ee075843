// No layer allocates memory once its network has its workspace.
#include <gtest/gtest.h>

#include <cmath>

#include "allocation_counter.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/train/model.hpp"
#include "nn/layer_cases.hpp"
#include "nn/layer_run.hpp"

namespace lockstep {
namespace {

constexpr Index kSamples = 5;

class LayerAllocation : public testing::TestWithParam<LayerCase> {};

TEST_P(LayerAllocation, IsNone) {
  const LayerCase& c = GetParam();
  for (int threads = 1; threads <= 2; ++threads) {
    set_thread_count(threads);
    Network network(c.inputs[0]);
    // A layer of several inputs takes the first one again and again.
    network.add(c.make(), "layer", std::vector<Value>(c.inputs.size(), network.input()));
    Model model(network, kSamples);
    std::vector<Real> inputs(static_cast<std::size_t>(kSamples * c.inputs[0].size()));
    fill_test_values(inputs, 1, c.kink);
    for (Real& x : inputs) {
      if (c.symbols > 0) x = std::floor((x + 2) / 4 * static_cast<Real>(c.symbols));
    }
    const std::vector<Real> answers(
        static_cast<std::size_t>(kSamples * network.output_shape().size()), Real(0.5));
    const auto loss = mean_squared_error();
    const auto step = [&] {
      model.forward(inputs);
      model.loss(*loss, answers);
      model.backward();
      model.forward(inputs, /*training=*/false);
    };
    step();
    const long before = allocations;
    step();
    step();
    EXPECT_EQ(allocations - before, 0) << threads << " threads";
  }
  set_thread_count(1);
}

INSTANTIATE_TEST_SUITE_P(All, LayerAllocation, testing::ValuesIn(layer_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(Allocations, AreCounted) {
  const long before = allocations;
  const Buffer<Real> buffer(100);
  EXPECT_GE(allocations - before, 1);
}

}  // namespace
}  // namespace lockstep
