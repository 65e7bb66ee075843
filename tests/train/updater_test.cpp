#include "lockstep/train/updater.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/optim/norm.hpp"
#include "lockstep/optim/statistic.hpp"

namespace lockstep {
namespace {

using testing::Each;

// norm.weight, .bias, .running_mean, .running_var, fc.weight, fc.bias, all set to numbers.
class UpdaterTest : public testing::Test {
 protected:
  UpdaterTest() {
    network_.add(batch_norm({.momentum = 0.25}), "norm");
    network_.add(linear(40), "fc");
    const Index size = network_.parameters().size();
    before_ = Buffer<Real>(size);
    after_ = Buffer<Real>(size);
    gradient_ = Buffer<Real>(size);
    Index i = 0;
    for (const Parameter& p : network_.parameters().parameters()) {
      for (Index e = 0; e < p.spec.size(); ++e, ++i) {
        before_.data()[p.offset + p.spec.stored_at(e)] = static_cast<Real>(1 + i % 7);
        gradient_.data()[p.offset + p.spec.stored_at(e)] = static_cast<Real>(i % 5 - 2);
      }
    }
  }

  // One step at rate 0.5 over 4 samples.
  void step(const Optimizer& optimizer, bool decay_all) {
    const Index size = before_.size();
    Updater updater(network_.parameters(), optimizer, BucketLayout(size, size, 1), 0,
                    {.decay_all = decay_all});
    std::ranges::copy(before_.span(), after_.span().begin());
    std::vector<double> lengths(static_cast<std::size_t>(updater.counts()[0]));
    const Real* const gradient = gradient_.data();
    const Update update{.step = 1, .learning_rate = 0.5};
    updater.prepare(after_.span(), {&gradient, 1}, update, lengths);
    updater.update(after_.span(), {&gradient, 1}, update, 4, lengths);
    for (const Buffer<Real>& slot : updater.state()) {
      EXPECT_THAT(of("norm.running_mean", slot), Each(0)) << "a statistic has no state";
    }
  }

  std::span<const Real> of(const std::string& name, const Buffer<Real>& buffer) const {
    for (const Parameter& p : network_.parameters().parameters()) {
      if (p.name == name) return buffer.span(p.offset, p.spec.stored_size());
    }
    ADD_FAILURE() << name;
    return {};
  }

  void expect_each(const std::string& name, double (*rule)(double w, double g)) const {
    const auto w = of(name, before_), g = of(name, gradient_), found = of(name, after_);
    for (std::size_t i = 0; i < w.size(); ++i) {
      EXPECT_NEAR(found[i], rule(double{w[i]}, double{g[i]}), 1e-6) << name;
    }
  }

  Network network_{Shape{.channels = 30}};
  Buffer<Real> before_, after_, gradient_;
};

TEST_F(UpdaterTest, StatisticsAreAveraged) {
  step(*sgd({.momentum = 0.9, .weight_decay = 0.1}), true);
  const auto average = [](double w, double g) { return w + 0.25 * (g / 4 - w); };
  expect_each("norm.running_mean", average);
  expect_each("norm.running_var", average);
}

TEST(AverageOfWeights, MovesByTheRestOfTheDecay) {
  std::vector<Real> average{1, -2, 5};
  average_weights(average, std::vector<Real>{3, -2, 1}, 0.75);
  EXPECT_THAT(average, testing::ElementsAre(1.5, -2, 4));
  average_weights(average, std::vector<Real>{7, 8, 9}, 0);
  EXPECT_THAT(average, testing::ElementsAre(7, 8, 9));
}

TEST_F(UpdaterTest, DecayPullsAtAllOrAtWeightsOnly) {
  const auto pulled = [](double w, double g) { return w - 0.5 * (g + 0.1 * w); };
  const auto spared = [](double w, double g) { return w - 0.5 * g; };
  step(*sgd({.weight_decay = 0.1}), true);
  for (const char* name : {"norm.weight", "norm.bias", "fc.weight", "fc.bias"}) {
    expect_each(name, pulled);
  }
  step(*sgd({.weight_decay = 0.1}), false);
  expect_each("fc.weight", pulled);
  for (const char* name : {"norm.weight", "norm.bias", "fc.bias"}) expect_each(name, spared);
}

TEST_F(UpdaterTest, TrustRatiosBelongToWeights) {
  step(*lars({.trust = 0.1, .momentum = 0}), true);
  const auto w = of("fc.weight", before_), g = of("fc.weight", gradient_);
  const double ratio = 0.1 * std::sqrt(square_sum(w)) / std::sqrt(square_sum(g));
  for (std::size_t i = 0; i < w.size(); ++i) {
    EXPECT_FLOAT_EQ(of("fc.weight", after_)[i], static_cast<Real>(w[i] - 0.5 * ratio * g[i]));
  }
  const auto plain = [](double w0, double g0) { return w0 - 0.5 * g0; };
  for (const char* name : {"norm.weight", "norm.bias", "fc.bias"}) expect_each(name, plain);
}

TEST_F(UpdaterTest, ATensorOfZerosHasRatioOne) {
  std::ranges::fill(before_.span(), Real{0});
  step(*lars({.trust = 0.1, .momentum = 0}), true);
  expect_each("fc.weight", [](double, double g) { return -0.5 * g; });
}

}  // namespace
}  // namespace lockstep
