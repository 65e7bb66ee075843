#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/layer_run.hpp"

// What the contract tests of layers cannot know of attention, embedding and recurrent layers.

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;

void expect_config_error(const std::function<void()>& action, const std::string& part) {
  try {
    action();
    FAIL() << "expected an error with: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

void plan(const Layer& layer, const Shape& shape, Index samples = 1) {
  (void)layer.plan(std::vector<Shape>{shape}, {.samples = samples, .microbatches = 1});
}

std::vector<std::string> names_of(const Layer& layer, const Shape& shape) {
  std::vector<std::string> names;
  for (const ParameterSpec& p : layer.plan(std::vector<Shape>{shape}, {}).parameters) {
    names.push_back(p.name);
  }
  return names;
}

TEST(Attention, RefusesHeadsThatDoNotDivide) {
  expect_config_error([] { attention({.heads = 0}); }, "heads must be at least 1, found 0");
  expect_config_error(
      [] {
        plan(*attention({.heads = 3}), {5, 1, 8});
      },
      "3 heads do not divide an input of 8 channels");
}

TEST(Attention, HasPyTorchsNames) {
  EXPECT_THAT(names_of(*attention({}), {5, 1, 8}),
              ElementsAre("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"));
  EXPECT_THAT(names_of(*attention({.bias = false}), {5, 1, 8}),
              ElementsAre("in_proj_weight", "out_proj.weight"));
}

// A layer whose values are the inputs and whose scores are all equal.
std::vector<Real> mean_of_positions(bool causal) {
  const auto layer = attention({.heads = 1, .causal = causal});
  LayerRun run(*layer, {{3, 1, 1}}, microbatches_of({1}));
  std::ranges::copy(std::vector<Real>{3, 6, 12}, run.input().begin());
  run.parameter(0, 2) = 1;  // v = x, q = k = 0
  run.parameter(2, 0) = 1;
  run.forward();
  return {run.output().begin(), run.output().end()};
}

TEST(Attention, EqualScoresGiveTheMeanOfWhatIsSeen) {
  EXPECT_THAT(mean_of_positions(false), ElementsAre(FloatEq(7), FloatEq(7), FloatEq(7)));
  EXPECT_THAT(mean_of_positions(true), ElementsAre(FloatEq(3), FloatEq(4.5), FloatEq(7)));
}

TEST(Attention, CausalOutputsDoNotDependOnLaterPositions) {
  const Index positions = 70;
  const auto layer = attention({.heads = 2, .causal = true});
  LayerRun run(*layer, {{positions, 1, 6}}, microbatches_of({1}));
  run.fill();
  run.forward();
  const std::vector<Real> before(run.output().begin(), run.output().end());
  for (const Index changed : {1, 31, 32, 33, 69}) {
    run.fill();
    for (Real& x : run.input().subspan(static_cast<std::size_t>(changed * 6))) x = -x;
    run.forward();
    const auto same = static_cast<std::ptrdiff_t>(changed * 6);
    EXPECT_TRUE(std::equal(before.begin(), before.begin() + same, run.output().begin()));
    EXPECT_NE(before[static_cast<std::size_t>(same)], run.output()[static_cast<std::size_t>(same)]);
  }
}

TEST(Attention, LargeScoresDoNotOverflow) {
  const auto layer = attention({.heads = 1});
  LayerRun run(*layer, {{4, 1, 2}}, microbatches_of({1}));
  run.fill();
  for (Real& x : run.input()) x *= 1000;
  run.forward();
  EXPECT_TRUE(std::ranges::all_of(run.output(), [](Real y) { return std::isfinite(y); }));
}

// The output at the first of two positions, whose scores are 1 and 1 + x; the values are 0 and x.
Real output_beside(Real x) {
  const auto layer = attention({.heads = 1});
  LayerRun run(*layer, {{2, 1, 1}}, microbatches_of({1}));
  std::ranges::copy(std::vector<Real>{1, 1 + x}, run.input().begin());
  for (Index i = 0; i < 3; ++i) run.parameter(0, i) = 1;
  run.parameter(1, 2) = -1;
  run.parameter(2, 0) = 1;
  run.forward();
  return run.output()[0];
}

TEST(Attention, WeightsFarBelowTheLargestAreZero) {
  EXPECT_THAT(output_beside(-2), FloatEq(-2 / (1 + std::exp(2.0f))));
  EXPECT_LT(output_beside(-68.5f), 0);
  EXPECT_EQ(output_beside(-69.5f), 0);
}

TEST(Embedding, KnownValues) {
  const auto layer = embedding({.symbols = 3, .dim = 2, .positions = Positions::learned});
  LayerRun run(*layer, {{2, 1, 1}}, microbatches_of({1}));
  for (Index i = 0; i < 6; ++i) run.parameter(0, i) = static_cast<Real>(i);
  for (Index i = 0; i < 4; ++i) run.parameter(1, i) = static_cast<Real>(100 * i);
  std::ranges::copy(std::vector<Real>{2, 0}, run.input().begin());
  run.forward();
  EXPECT_THAT(run.output(), ElementsAre(4, 105, 200, 301));
}

TEST(Embedding, SinusoidsAreThoseOfTheFormula) {
  const Index positions = 300, dim = 7;
  const auto layer = embedding({.symbols = 1, .dim = dim, .positions = Positions::sinusoidal});
  LayerRun run(*layer, {{positions, 1, 1}}, microbatches_of({1}));
  run.forward();
  for (Index t = 0; t < positions; ++t) {
    for (Index d = 0; d < dim; ++d) {
      const double angle =
          static_cast<double>(t) * std::pow(10000.0, -static_cast<double>(d / 2 * 2) / double{dim});
      EXPECT_NEAR(run.output()[static_cast<std::size_t>(t * dim + d)],
                  d % 2 == 0 ? std::sin(angle) : std::cos(angle), 1e-7)
          << "position " << t << ", " << d;
    }
  }
}

TEST(Embedding, ANumberThatIsNoSymbolGivesNanAndNoGradient) {
  const auto layer = embedding({.symbols = 3, .dim = 1});
  LayerRun run(*layer, {{6, 1, 1}}, microbatches_of({1}));
  run.fill();
  std::ranges::copy(std::vector<Real>{0, -1, 3, 2, INFINITY, 1e30f}, run.input().begin());
  run.forward();
  std::vector<bool> valid;
  for (const Real y : run.output()) valid.push_back(!std::isnan(y));
  EXPECT_THAT(valid, ElementsAre(true, false, false, true, false, false));
  run.backward();
  EXPECT_EQ(static_cast<Real>(run.gradient(0, 0)), run.output_gradient()[0]);
  EXPECT_EQ(run.gradient(0, 1), 0);
  EXPECT_EQ(static_cast<Real>(run.gradient(0, 2)), run.output_gradient()[3]);
}

TEST(Embedding, AVectorIsASequence) {
  const auto layer = embedding({.symbols = 3, .dim = 2});
  EXPECT_EQ(layer->plan(std::vector<Shape>{{1, 1, 5}}, {}).output, (Shape{5, 1, 2}));
}

TEST(Embedding, RefusesWrongSizes) {
  expect_config_error([] { embedding({.symbols = 0, .dim = 2}); }, "symbols must be at least 1");
  expect_config_error([] { embedding({.symbols = 2, .dim = 0}); }, "dim must be at least 1");
  expect_config_error(
      [] {
        plan(*embedding({.symbols = 2, .dim = 2}), {4, 1, 3});
      },
      "4 positions of 3 channels");
}

// Whether a network is valid does not depend on how many samples a rank has.
TEST(Embedding, ARankMayHaveMoreThanTwoToThe24Symbols) {
  constexpr Index kRows = Index{1} << 25;
  const auto layer = embedding({.symbols = 2, .dim = 2});
  const LayerPlan large =
      layer->plan(std::vector<Shape>{{1 << 12, 1, 1}}, {.samples = kRows >> 12, .microbatches = 1});
  EXPECT_GE(large.scratch * static_cast<Index>(sizeof(Real)),
            kRows * static_cast<Index>(sizeof(Index)));
}

TEST(Recurrent, RefusesWrongSizes) {
  expect_config_error([] { lstm(0); }, "lstm: units must be at least 1");
  expect_config_error([] { gru(-1); }, "gru: units must be at least 1");
}

TEST(Recurrent, LastIsTheLastOfAll) {
  for (const auto& make : {lstm, gru}) {
    const auto all = make(3, {});
    const auto last = make(3, {.last = true});
    LayerRun whole(*all, {{4, 1, 2}}, microbatches_of({2}));
    LayerRun end(*last, {{4, 1, 2}}, microbatches_of({2}));
    whole.fill();
    end.fill();
    whole.forward();
    end.forward();
    for (std::size_t sample = 0; sample < 2; ++sample) {
      EXPECT_TRUE(std::ranges::equal(whole.output().subspan(sample * 12 + 9, 3),
                                     end.output().subspan(sample * 3, 3)));
    }
  }
}

}  // namespace
}  // namespace lockstep
