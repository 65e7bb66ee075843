#include "lockstep/optim/optimizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/random.hpp"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;

// Parameters with their state, updated together.
struct Trained {
  Trained(const Optimizer& rule, std::vector<float> initial)
      : w(std::move(initial)), state(rule.slots().size(), std::vector<float>(w.size())) {}

  // One step on [first, first + count).
  void step(const Optimizer& rule, std::span<const float> gradient, const Update& update,
            std::size_t first, std::size_t count) {
    std::vector<std::span<float>> slices;
    for (std::vector<float>& s : state) slices.push_back(std::span(s).subspan(first, count));
    std::vector<float> direction(gradient.begin() + static_cast<std::ptrdiff_t>(first),
                                 gradient.begin() + static_cast<std::ptrdiff_t>(first + count));
    const std::span<float> mine = std::span(w).subspan(first, count);
    if (const TrustRatio* scaled = rule.trust_ratio()) {
      scaled->direct(mine, gradient.subspan(first, count), slices, update, direction);
    }
    rule.step(mine, direction, slices, update);
  }
  void step(const Optimizer& rule, std::span<const float> gradient, const Update& update) {
    step(rule, gradient, update, 0, w.size());
  }

  std::vector<float> w;
  std::vector<std::vector<float>> state;
};

TEST(Sgd, TwoStepsByHand) {
  const auto rule = sgd({.weight_decay = 0.5});
  EXPECT_TRUE(rule->slots().empty());
  Trained t(*rule, {1, -2});
  // g = (1, 1) + 0.5 (1, -2) = (1.5, 0); then g = (0, 2) * 0.5 + 0.5 (0.625, -2) = (0.3125, 0).
  t.step(*rule, std::vector<float>{1, 1}, {.step = 1, .learning_rate = 0.25});
  EXPECT_THAT(t.w, ElementsAre(0.625f, -2));
  t.step(*rule, std::vector<float>{0, 2}, {.step = 2, .learning_rate = 1, .gradient_scale = 0.5});
  EXPECT_THAT(t.w, ElementsAre(0.3125f, -2));
}

TEST(Sgd, TwoStepsWithMomentumByHand) {
  const auto rule = sgd({.momentum = 0.5});
  EXPECT_THAT(rule->slots(), ElementsAre("momentum"));
  Trained t(*rule, {1});
  t.step(*rule, std::vector<float>{2}, {.step = 1, .learning_rate = 0.25});  // v = 2
  EXPECT_THAT(t.w, ElementsAre(0.5f));
  t.step(*rule, std::vector<float>{4}, {.step = 2, .learning_rate = 0.25});  // v = 5
  EXPECT_THAT(t.state[0], ElementsAre(5));
  EXPECT_THAT(t.w, ElementsAre(-0.75f));
}

TEST(Sgd, TwoStepsWithNesterovByHand) {
  const auto rule = sgd({.momentum = 0.5, .nesterov = true});
  Trained t(*rule, {1});
  t.step(*rule, std::vector<float>{2}, {.step = 1, .learning_rate = 0.25});  // v = 2, 2 + 1
  EXPECT_THAT(t.w, ElementsAre(0.25f));
  t.step(*rule, std::vector<float>{4}, {.step = 2, .learning_rate = 0.25});  // v = 5, 4 + 2.5
  EXPECT_THAT(t.w, ElementsAre(-1.375f));
}

TEST(AdamW, TwoStepsByHand) {
  const auto rule = adamw({.beta1 = 0.5, .beta2 = 0.75, .epsilon = 1e-12, .weight_decay = 0.5});
  EXPECT_THAT(rule->slots(), ElementsAre("exp_avg", "exp_avg_sq"));
  Trained t(*rule, {1});
  // w = 0.875 w, then the first step has length learning_rate: m / 0.5 = 4, sqrt(v / 0.25) = 4.
  t.step(*rule, std::vector<float>{4}, {.step = 1, .learning_rate = 0.25});
  EXPECT_THAT(t.state[0], ElementsAre(2));
  EXPECT_THAT(t.state[1], ElementsAre(4));
  EXPECT_THAT(t.w, ElementsAre(FloatEq(0.625f)));
  // m = 1 + 1 = 2, v = 3 + 1 = 4; m / 0.75, sqrt(v / 0.4375).
  t.step(*rule, std::vector<float>{2}, {.step = 2, .learning_rate = 0.25});
  EXPECT_THAT(t.state[0], ElementsAre(2));
  EXPECT_THAT(t.state[1], ElementsAre(4));
  const double expected = 0.875 * 0.625 - 0.25 * (2 / 0.75) / std::sqrt(4 / 0.4375);
  EXPECT_THAT(t.w, ElementsAre(FloatEq(static_cast<float>(expected))));
}

TEST(Lars, TwoStepsByHand) {
  const auto rule = lars({.trust = 0.5, .momentum = 0.5, .weight_decay = 0.5});
  EXPECT_EQ(rule->trust_ratio()->ratio(3, 6), 0.25);
  Trained t(*rule, {2});
  // u = 1 + 0.5 2 = 2; v = 0.5 0.25 2 = 0.25
  t.step(*rule, std::vector<float>{1}, {.step = 1, .learning_rate = 0.5, .trust_ratio = 0.25});
  EXPECT_THAT(t.w, ElementsAre(1.75f));
  // u = 0.125 + 0.875 = 1; v = 0.125 + 0.5 = 0.625
  t.step(*rule, std::vector<float>{0.125}, {.step = 2, .learning_rate = 0.5, .trust_ratio = 1});
  EXPECT_THAT(t.state[0], ElementsAre(0.625f));
  EXPECT_THAT(t.w, ElementsAre(1.125f));
}

TEST(Lamb, TwoStepsByHand) {
  const auto rule = lamb({.beta1 = 0.5, .beta2 = 0.75, .epsilon = 1e-12, .weight_decay = 0.5});
  EXPECT_EQ(rule->trust_ratio()->ratio(3, 6), 0.5);
  Trained t(*rule, {1});
  // The first step's direction is 1 + 0.5 1.
  t.step(*rule, std::vector<float>{4}, {.step = 1, .learning_rate = 0.25, .trust_ratio = 2});
  EXPECT_THAT(t.w, ElementsAre(FloatEq(0.25f)));
  // m = 2, v = 4 as in AdamW.
  t.step(*rule, std::vector<float>{2}, {.step = 2, .learning_rate = 0.25, .trust_ratio = 0.5});
  const double direction = (2 / 0.75) / std::sqrt(4 / 0.4375) + 0.125;
  EXPECT_THAT(t.w, ElementsAre(FloatEq(static_cast<float>(0.25 - 0.125 * direction))));
}

void expect_refused(const std::function<void()>& action, const std::string& part) {
  try {
    action();
    FAIL() << "expected an error with: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

TEST(Options, OutsideTheirRangeAreRefused) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {-0.1, 1.0, kNan}) {
    expect_refused([=] { sgd({.momentum = bad}); }, "momentum must be in [0, 1)");
    expect_refused([=] { adamw({.beta1 = bad}); }, "beta1 must be in [0, 1)");
    expect_refused([=] { adamw({.beta2 = bad}); }, "beta2 must be in [0, 1)");
    expect_refused([=] { adam({.beta1 = bad}); }, "adam: beta1 must be in [0, 1)");
    expect_refused([=] { rmsprop({.alpha = bad}); }, "alpha must be in [0, 1)");
  }
  for (const double bad : {-1.0, kNan, double{INFINITY}}) {
    expect_refused([=] { sgd({.weight_decay = bad}); }, "weight_decay");
    expect_refused([=] { adamw({.weight_decay = bad}); }, "weight_decay");
    expect_refused([=] { adamw({.epsilon = bad}); }, "epsilon");
    expect_refused([=] { rmsprop({.epsilon = bad}); }, "rmsprop: epsilon");
    expect_refused([=] { adagrad({.weight_decay = bad}); }, "adagrad: weight_decay");
  }
  expect_refused([] { adamw({.epsilon = 0}); }, "epsilon");
  expect_refused([] { sgd({.nesterov = true}); }, "nesterov");
}

// Without decay, weight_decay is as if it were 0; the rule is PyTorch's: see trajectory_test.cpp.
TEST(WeightDecay, CanBeSpared) {
  const auto check = [](const Optimizer& with, const Optimizer& without) {
    Trained spared(with, {1, -2}), pulled(with, {1, -2}), none(without, {1, -2});
    Update update{.step = 1, .learning_rate = 0.25, .gradient_scale = 1, .decays = false};
    const std::vector<float> gradient{1, 3};
    spared.step(with, gradient, update);
    none.step(without, gradient, update);
    update.decays = true;
    pulled.step(with, gradient, update);
    EXPECT_EQ(spared.w, none.w) << with.type();
    EXPECT_EQ(spared.state, none.state) << with.type();
    EXPECT_NE(std::pair(pulled.w, pulled.state), std::pair(none.w, none.state)) << with.type();
  };
  check(*sgd({.weight_decay = 0.5}), *sgd());
  check(*sgd({.momentum = 0.5, .weight_decay = 0.5}), *sgd({.momentum = 0.5}));
  check(*adamw({.weight_decay = 0.5}), *adamw({.weight_decay = 0}));
  check(*adam({.weight_decay = 0.5}), *adam());
  check(*rmsprop({.weight_decay = 0.5}), *rmsprop());
  check(*adagrad({.weight_decay = 0.5}), *adagrad());
  check(*lars({.weight_decay = 0.5}), *lars());
  check(*lamb({.weight_decay = 0.5}), *lamb({.weight_decay = 0}));
}

struct OptimizerCase {
  std::string name;
  std::function<std::unique_ptr<Optimizer>()> make;
};

class OptimizerContract : public testing::TestWithParam<OptimizerCase> {
 public:
  ~OptimizerContract() override { set_thread_count(threads_); }

 protected:
  // More than two tiles, and no multiple of a vector.
  static constexpr std::size_t kSize = 2 * kElementTile + 77;
  static constexpr Update kSecond{.step = 2, .learning_rate = 0.1, .gradient_scale = 0.7};

  static std::vector<float> values(std::uint32_t stream, std::size_t size = kSize) {
    std::vector<float> v(size);
    for (std::size_t i = 0; i < size; ++i) {
      v[i] = static_cast<float>(random_normal({.seed = 5, .a = stream}, i));
    }
    return v;
  }

  // After two steps; `cut` does the second in two slices.
  static Trained after_two_steps(const Optimizer& rule, std::size_t cut, int threads) {
    set_thread_count(threads);
    Trained t(rule, values(1));
    t.step(rule, values(2), {.step = 1, .learning_rate = 0.1});
    const std::vector<float> gradient = values(3);
    t.step(rule, gradient, kSecond, 0, cut);
    t.step(rule, gradient, kSecond, cut, kSize - cut);
    return t;
  }

  static void expect_same_bits(const Trained& a, const Trained& b) {
    EXPECT_EQ(std::memcmp(a.w.data(), b.w.data(), a.w.size() * sizeof(float)), 0);
    for (std::size_t s = 0; s < a.state.size(); ++s) {
      EXPECT_EQ(std::memcmp(a.state[s].data(), b.state[s].data(), a.w.size() * sizeof(float)), 0);
    }
  }

 private:
  int threads_ = thread_count();
};

TEST_P(OptimizerContract, CutsAndThreadsChangeNoBit) {
  const auto rule = GetParam().make();
  const Trained whole = after_two_steps(*rule, 0, 1);
  for (const std::size_t cut : {1u, 7u, 16u, 100u, 1023u, 8192u, 8200u, 16384u, 16460u}) {
    SCOPED_TRACE(cut);
    expect_same_bits(whole, after_two_steps(*rule, cut, 1));
    expect_same_bits(whole, after_two_steps(*rule, cut, 2));
  }
}

TEST_P(OptimizerContract, RateZeroMovesNothing) {
  const auto rule = GetParam().make();
  Trained t(*rule, values(1));
  t.step(*rule, values(2), {.step = 1, .learning_rate = 0});
  EXPECT_EQ(t.w, values(1));
}

TEST_P(OptimizerContract, GradientScaleScalesTheGradient) {
  const auto rule = GetParam().make();
  std::vector<float> half = values(2), zero(kSize, 0.0f);
  for (float& g : half) g *= 0.5f;
  Trained scaled(*rule, values(1)), direct(*rule, values(1));
  scaled.step(*rule, values(2), {.step = 1, .learning_rate = 0.1, .gradient_scale = 0.5});
  direct.step(*rule, half, {.step = 1, .learning_rate = 0.1});
  expect_same_bits(scaled, direct);

  Trained off(*rule, values(1)), none(*rule, values(1));
  off.step(*rule, values(2), {.step = 1, .learning_rate = 0.1, .gradient_scale = 0});
  none.step(*rule, zero, {.step = 1, .learning_rate = 0.1});
  EXPECT_EQ(off.w, none.w);
  EXPECT_EQ(off.state, none.state);
}

// Gaps between parameters in the flat buffers must stay zero, and a bad gradient must be seen.
TEST_P(OptimizerContract, ZeroStaysZeroAndNanIsSeen) {
  const auto rule = GetParam().make();
  Trained t(*rule, {0, 0, 1});
  const std::vector<float> gradient{0, std::numeric_limits<float>::quiet_NaN(), 1};
  t.step(*rule, gradient, {.step = 1, .learning_rate = 0.1});
  EXPECT_EQ(t.w[0], 0);
  EXPECT_TRUE(std::isnan(t.w[1]));
  EXPECT_LT(t.w[2], 1);
  t.step(*rule, std::span<const float>{}, {.step = 2, .learning_rate = 0.1}, 0, 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, OptimizerContract,
    testing::Values(OptimizerCase{"sgd", [] { return sgd(); }},
                    OptimizerCase{"sgd_decay", [] { return sgd({.weight_decay = 0.01}); }},
                    OptimizerCase{"momentum", [] { return sgd({.momentum = 0.9}); }},
                    OptimizerCase{"nesterov",
                                  [] {
                                    return sgd(
                                        {.momentum = 0.9, .nesterov = true, .weight_decay = 0.01});
                                  }},
                    OptimizerCase{"adamw", [] { return adamw(); }},
                    OptimizerCase{"adam", [] { return adam({.weight_decay = 0.01}); }},
                    OptimizerCase{"rmsprop", [] { return rmsprop({.weight_decay = 0.01}); }},
                    OptimizerCase{"rmsprop_momentum", [] { return rmsprop({.momentum = 0.9}); }},
                    OptimizerCase{"adagrad", [] { return adagrad({.weight_decay = 0.01}); }},
                    OptimizerCase{"lars", [] { return lars({.weight_decay = 0.01}); }},
                    OptimizerCase{"lamb", [] { return lamb(); }}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace lockstep
