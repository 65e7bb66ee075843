#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/layer_run.hpp"

// Values that are computed by hand; more against PyTorch in layer_reference_test.cpp.

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

std::vector<Real> forward_of(const Layer& layer, Shape shape, const std::vector<Real>& x,
                             const std::vector<Real>& weight, const std::vector<Real>& bias = {}) {
  LayerRun run(layer, {shape}, microbatches_of({static_cast<Index>(x.size()) / shape.size()}));
  std::ranges::copy(x, run.input().begin());
  for (Index c = 0; c < shape.channels; ++c) {
    run.parameter(0, c) = weight[static_cast<std::size_t>(c)];
    if (!bias.empty()) run.parameter(1, c) = bias[static_cast<std::size_t>(c)];
  }
  run.forward();
  return {run.output().begin(), run.output().end()};
}

std::string message_of(const Layer& layer, Shape input) {
  try {
    (void)layer.plan(std::vector<Shape>{input}, {});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    return error.what();
  }
  return "";
}

TEST(LayerNorm, KnownValues) {
  // Rows (1 3) and (10 10): mean 2 and deviation 1, mean 10 and deviation 0.
  EXPECT_THAT(forward_of(*layer_norm(1e-12), {2, 1, 2}, {1, 3, 10, 10}, {1, 2}, {0, 5}),
              ElementsAre(FloatNear(-1, 1e-6f), FloatNear(7, 1e-6f), 0, 5));
  // The variance 1 and epsilon 3 make a deviation of 2.
  EXPECT_THAT(forward_of(*layer_norm(3), {1, 1, 2}, {1, 3}, {1, 1}, {0, 0}),
              ElementsAre(-0.5f, 0.5f));
}

TEST(RmsNorm, KnownValues) {
  // The mean square of (3 4 0 0 5) is 10; with epsilon 6 the root is 4.
  EXPECT_THAT(forward_of(*rms_norm(6), {1, 1, 5}, {3, 4, 0, 0, 5}, {1, 2, 1, 1, 4}),
              ElementsAre(0.75f, 2, 0, 0, 5));
}

TEST(GroupNorm, KnownValues) {
  // Two positions of four channels in two groups: (1 3 | 0 4), (1 3 | 4 0). Both groups have two
  // low and two high values: deviations 1 and 2.
  EXPECT_THAT(forward_of(*group_norm(2, 1e-12), {2, 1, 4}, {1, 3, 0, 4, 1, 3, 4, 0}, {1, 1, 1, 2},
                         {0, 0, 0, 1}),
              ElementsAre(FloatNear(-1, 1e-6f), FloatNear(1, 1e-6f), FloatNear(-1, 1e-6f),
                          FloatNear(3, 1e-6f), FloatNear(-1, 1e-6f), FloatNear(1, 1e-6f),
                          FloatNear(1, 1e-6f), FloatNear(-1, 1e-6f)));
}

// A mean that is large against the deviation costs no more than the rounding of the input.
TEST(Norms, KeepTheirAccuracyFarFromZero) {
  const std::vector<Real> x{4096, 4097, 4098, 4099}, ones(4, 1), zeros(4, 0);
  for (const auto& layer : {layer_norm(1e-12), group_norm(1, 1e-12)}) {
    const std::vector<Real> y = forward_of(*layer, {1, 1, 4}, x, ones, zeros);
    EXPECT_THAT(y, ElementsAre(FloatNear(-1.3416408f, 1e-6f), FloatNear(-0.4472136f, 1e-6f),
                               FloatNear(0.4472136f, 1e-6f), FloatNear(1.3416408f, 1e-6f)))
        << layer->type();
  }
}

TEST(Norms, RefuseWrongSizes) {
  EXPECT_THROW(layer_norm(0), Error);
  EXPECT_THROW(rms_norm(-1), Error);
  EXPECT_THROW(group_norm(2, 0), Error);
  EXPECT_THROW(group_norm(0), Error);
  EXPECT_THAT(message_of(*group_norm(4), {2, 2, 6}),
              testing::HasSubstr("found 4 groups and 6 channels"));
}

}  // namespace
}  // namespace lockstep
