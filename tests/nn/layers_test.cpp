#include "lockstep/nn/layers.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/base/caches.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/random.hpp"
#include "nn/layer_cases.hpp"
#include "nn/layer_run.hpp"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Real> forward_of(const Layer& layer, Shape shape, const std::vector<Real>& x,
                             const std::vector<std::vector<Real>>& parameters = {}) {
  LayerRun run(layer, {shape}, microbatches_of({static_cast<Index>(x.size()) / shape.size()}));
  std::ranges::copy(x, run.input().begin());
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    for (std::size_t i = 0; i < parameters[p].size(); ++i) {
      run.parameter(p, static_cast<Index>(i)) = parameters[p][i];
    }
  }
  run.forward();
  return {run.output().begin(), run.output().end()};
}

void expect_config_error(const std::function<void()>& action, const std::string& part) {
  try {
    action();
    FAIL() << "expected an error with: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

TEST(Linear, KnownValues) {
  // (1 2) (1 2 3; 4 5 6) + (10 20 30) = (19 32 45), for each of two positions.
  EXPECT_THAT(forward_of(*linear(3), {2, 1, 2}, {1, 2, 0, 1}, {{1, 2, 3, 4, 5, 6}, {10, 20, 30}}),
              ElementsAre(19, 32, 45, 14, 25, 36));
  EXPECT_THAT(forward_of(*linear(1, {.bias = false}), {1, 1, 2}, {3, 4}, {{1, 10}}),
              ElementsAre(43));
}

TEST(Linear, PlansShapesParametersAndWork) {
  const LayerPlan plan = linear(5)->plan(std::vector<Shape>{{4, 3, 2}}, {});
  EXPECT_EQ(plan.output, (Shape{4, 3, 5}));
  ASSERT_EQ(plan.parameters.size(), 2u);
  EXPECT_EQ(plan.parameters[0].name, "weight");
  EXPECT_THAT(plan.parameters[0].shape, ElementsAre(2, 5));
  EXPECT_THAT(plan.parameters[0].file_axes, ElementsAre(1, 0));
  EXPECT_EQ(plan.parameters[0].initializer.fan_in, 2);
  EXPECT_EQ(plan.parameters[0].initializer.fan_out, 5);
  EXPECT_EQ(plan.parameters[1].name, "bias");
  EXPECT_THAT(plan.parameters[1].shape, ElementsAre(5));
  EXPECT_EQ(plan.multiply_adds, 4 * 3 * 2 * 5);
}

TEST(Linear, RefusesWrongSizes) {
  expect_config_error([] { linear(0); }, "outputs must be at least 1, found 0");
  expect_config_error([] { linear(-3); }, "found -3");
  expect_config_error(
      [] {
        (void)linear(1 << 20)->plan(std::vector<Shape>{{1, 1, 1 << 20}}, {});
      },
      "2^31");
}

TEST(Flatten, KeepsValuesInOrder) {
  EXPECT_EQ(flatten()->plan(std::vector<Shape>{{2, 3, 4}}, {}).output, (Shape{1, 1, 24}));
  EXPECT_THAT(forward_of(*flatten(), {2, 1, 2}, {1, 2, 3, 4}), ElementsAre(1, 2, 3, 4));
}

TEST(Activations, KnownValues) {
  const std::vector<Real> x{-1, 0, 2};
  EXPECT_THAT(forward_of(*relu(), {1, 1, 3}, x), ElementsAre(0, 0, 2));
  EXPECT_THAT(forward_of(*tanh(), {1, 1, 3}, x),
              ElementsAre(testing::FloatEq(-0.76159416f), 0, testing::FloatEq(0.96402758f)));
  EXPECT_THAT(forward_of(*sigmoid(), {1, 1, 3}, x),
              ElementsAre(testing::FloatEq(0.26894142f), 0.5f, testing::FloatEq(0.88079708f)));
  EXPECT_THAT(forward_of(*gelu(), {1, 1, 3}, x),
              ElementsAre(testing::FloatEq(-0.15865525f), 0, testing::FloatEq(1.95449974f)));
  EXPECT_THAT(forward_of(*silu(), {1, 1, 3}, x),
              ElementsAre(testing::FloatEq(-0.26894142f), 0, testing::FloatEq(1.76159416f)));
  EXPECT_THAT(forward_of(*leaky_relu(0.25f), {1, 1, 3}, x), ElementsAre(-0.25f, 0, 2));
  EXPECT_THROW(leaky_relu(-1), Error);
}

TEST(Softmax, KnownValues) {
  using testing::FloatEq;
  // exp(log 3 + 200) overflows unless the largest number is taken off first.
  const Real log3 = 1.0986123f;
  EXPECT_THAT(forward_of(*softmax(), {2, 1, 2}, {0, log3, 200, 200}),
              ElementsAre(FloatEq(0.25f), FloatEq(0.75f), 0.5f, 0.5f));
  EXPECT_THAT(forward_of(*softmax(), {1, 1, 2}, {-1000, 0}), ElementsAre(0, 1));
}

TEST(Joins, KnownValues) {
  const auto join = [](const Layer& layer, std::vector<Shape> shapes) {
    LayerRun run(layer, shapes, microbatches_of({1}));
    Real next = 1;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      for (Real& x : run.input(i)) x = next++;
    }
    run.forward();
    return std::vector<Real>(run.output().begin(), run.output().end());
  };
  EXPECT_THAT(join(*sum(), {{1, 1, 2}, {1, 1, 2}, {1, 1, 2}}), ElementsAre(9, 12));
  EXPECT_THAT(join(*concat(), {{2, 1, 2}, {2, 1, 1}}), ElementsAre(1, 2, 5, 3, 4, 6));
  expect_config_error(
      [] {
        (void)sum()->plan(std::vector<Shape>{{2, 1, 4}, {2, 1, 5}}, {});
      },
      "found 2x1x4 and 2x1x5");
  expect_config_error(
      [] {
        (void)concat()->plan(std::vector<Shape>{{2, 1, 4}, {1, 2, 4}}, {});
      },
      "found 2x1x4 and 1x2x4");
}

TEST(Relu, SlopeAtZeroIsZero) {
  const auto layer = relu();
  LayerRun run(*layer, {{1, 1, 3}}, microbatches_of({1}));
  std::ranges::copy(std::vector<Real>{-1, 0, 2}, run.input().begin());
  std::ranges::fill(run.output_gradient(), Real{5});
  run.forward();
  run.backward();
  EXPECT_THAT(run.input_gradient(), ElementsAre(0, 0, 5));
}

class LayerContract : public testing::TestWithParam<LayerCase> {
 public:
  ~LayerContract() override { set_thread_count(threads_); }

 private:
  int threads_ = thread_count();
};

TEST_P(LayerContract, RefusesAWrongNumberOfInputsAndEmptyShapes) {
  const auto layer = GetParam().make();
  expect_config_error([&] { (void)layer->plan({}, {}); }, std::string(layer->type()));
  const std::size_t wrong = GetParam().inputs.size() == 1 ? 9 : 1;
  expect_config_error([&] { (void)layer->plan(std::vector<Shape>(wrong), {}); },
                      "found " + std::to_string(wrong));
  std::vector<Shape> empty = GetParam().inputs;
  empty.back().channels = 0;
  expect_config_error([&] { (void)layer->plan(empty, {}); }, "at least 1 element");
}

TEST_P(LayerContract, NanInputIsSeenInTheOutput) {
  const auto layer = GetParam().make();
  LayerRun run(*layer, GetParam().inputs, microbatches_of({1}));
  run.fill(0, GetParam().symbols);
  run.input()[0] = std::numeric_limits<Real>::quiet_NaN();
  run.forward();
  EXPECT_TRUE(std::ranges::any_of(run.output(), [](Real y) { return std::isnan(y); }));
}

TEST_P(LayerContract, UnwantedInputGradientIsNotWritten) {
  const auto layer = GetParam().make();
  LayerRun run(*layer, GetParam().inputs, microbatches_of({2}));
  run.fill(0, GetParam().symbols);
  run.forward();
  run.backward(false);
  for (std::size_t i = 0; i < run.input_count(); ++i) {
    EXPECT_TRUE(std::ranges::all_of(run.input_gradient(i), [](Real x) { return std::isnan(x); }));
  }
}

bool same_bits(std::span<const Real> a, std::span<const Real> b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

// Layers that cannot compute a position without those after it; attention and recurrent layers can
// only with the options causal and without last.
const std::vector<std::string_view> kNotCausal{
    "conv2d",  "conv1d",          "max_pool2d", "max_pool1d", "avg_pool2d", "avg_pool1d",
    "flatten", "global_avg_pool", "group_norm", "attention",  "lstm",       "gru"};

// Gradient blocks of one half hold the sums over two microbatches, the block of the whole those
// over four: the tree says that the whole is left + right.
void expect_gradient_is_sum(LayerRun& whole, LayerRun& left, LayerRun& right) {
  for (std::size_t p = 0; p < whole.plan().parameters.size(); ++p) {
    for (Index i = 0; i < whole.plan().parameters[p].size(); ++i) {
      const auto l = static_cast<Real>(left.gradient(p, i));
      const auto r = static_cast<Real>(right.gradient(p, i));
      ASSERT_EQ(static_cast<Real>(whole.gradient(p, i)), l + r)
          << whole.plan().parameters[p].name << " at " << i;
    }
  }
}

// Blocks are cut for the caches: of this machine, of none that exists, and of many between.
TEST_P(LayerContract, CachesChangeNoBit) {
  const auto layer = GetParam().make();
  const Caches here = caches();
  const auto run_with = [&](const Caches& sizes, int threads) {
    set_caches(sizes);
    set_thread_count(threads);
    auto run =
        std::make_unique<LayerRun>(*layer, GetParam().inputs, microbatches_of({3, 1, 0, 20}));
    run->fill(0, GetParam().symbols);
    run->forward();
    run->backward();
    return run;
  };
  const auto reference = run_with(here, 1);
  for (std::uint64_t i = 0; i < 10; ++i) {
    const auto size = [&](std::uint64_t level) {
      const RandomKey key{.seed = 16};
      const std::uint32_t bits = random_bits(key, 3 * i + level);
      return (Index{1} << bits % 22) + (bits >> 8) % 100'000 * (level > 0 ? 1 : 0);
    };
    const Caches sizes{size(0), size(1), size(2)};
    SCOPED_TRACE(fmt::format("caches of {} and {} bytes", sizes.first, sizes.second));
    const auto run = run_with(sizes, 1 + static_cast<int>(i % 3));
    EXPECT_TRUE(same_bits(run->output(), reference->output()));
    for (std::size_t k = 0; k < run->input_count(); ++k) {
      EXPECT_TRUE(same_bits(run->input_gradient(k), reference->input_gradient(k)));
    }
    EXPECT_TRUE(same_bits(run->flat_gradient(0), reference->flat_gradient(0)));
  }
  set_caches(here);
  set_thread_count(1);
}

TEST_P(LayerContract, TheShareAndTheThreadChangeNoBit) {
  const auto layer = GetParam().make();
  const std::vector<Index> rows{3, 1, 0, 20};
  set_thread_count(1);
  LayerRun reference(*layer, GetParam().inputs, microbatches_of(rows));
  reference.fill(0, GetParam().symbols);
  reference.forward();
  reference.backward();

  for (const int threads : {1, 2, 3}) {
    SCOPED_TRACE(std::to_string(threads) + " threads");
    set_thread_count(threads);
    LayerRun left(*layer, GetParam().inputs, microbatches_of({3, 1}));
    LayerRun right(*layer, GetParam().inputs, microbatches_of({0, 20}, 2));
    LayerRun all(*layer, GetParam().inputs, microbatches_of(rows));
    all.fill(0, GetParam().symbols);
    for (LayerRun* half : {&left, &right}) {
      const bool first = half == &left;
      std::ranges::copy(all.flat_parameters(), half->flat_parameters().begin());
      const auto part = [&](std::span<const Real> from, std::span<Real> to) {
        std::ranges::copy(first ? from.first(to.size()) : from.last(to.size()), to.begin());
      };
      for (std::size_t i = 0; i < all.input_count(); ++i) part(all.input(i), half->input(i));
      part(all.output_gradient(), half->output_gradient());
    }
    for (LayerRun* run : {&all, &left, &right}) {
      run->forward();
      run->backward();
    }

    EXPECT_TRUE(same_bits(all.output(), reference.output()));
    EXPECT_TRUE(same_bits(all.output().first(left.output().size()), left.output()));
    EXPECT_TRUE(same_bits(all.output().last(right.output().size()), right.output()));
    for (std::size_t i = 0; i < all.input_count(); ++i) {
      const auto dx = all.input_gradient(i);
      EXPECT_TRUE(same_bits(dx, reference.input_gradient(i)));
      EXPECT_TRUE(same_bits(dx.first(left.input_gradient(i).size()), left.input_gradient(i)));
      EXPECT_TRUE(same_bits(dx.last(right.input_gradient(i).size()), right.input_gradient(i)));
    }
    EXPECT_TRUE(same_bits(all.flat_gradient(0), reference.flat_gradient(0)));
    expect_gradient_is_sum(all, left, right);
  }
}

// From any position on, after forward on a window whose end was another: that step is not reached
// by what comes later is the same promise.
TEST_P(LayerContract, StepsOfACausalLayerGiveTheBitsOfForward) {
  const auto layer = GetParam().make();
  const Shape shape = layer->plan(GetParam().inputs, {}).output;
  if (!layer->plan(GetParam().inputs, {}).causal) {
    EXPECT_THAT(kNotCausal, testing::Contains(layer->type()));
    return;
  }
  LayerRun whole(*layer, GetParam().inputs, microbatches_of({1}));
  whole.set_training(false);
  whole.fill(0, GetParam().symbols);
  if (layer->type() == "batch_norm") {
    for (Index c = 0; c < shape.channels; ++c) whole.parameter(3, c) = Real(c + 1);
  }
  whole.forward();
  for (const Index first : {Index{0}, shape.positions() / 2}) {
    LayerRun stepped(*layer, GetParam().inputs, microbatches_of({1}));
    stepped.set_training(false);
    std::ranges::copy(whole.flat_parameters(), stepped.flat_parameters().begin());
    for (std::size_t i = 0; i < whole.input_count(); ++i) {
      const auto known = static_cast<std::size_t>(
          first * static_cast<Index>(whole.input(i).size()) / shape.positions());
      std::ranges::copy(whole.input(i).first(known), stepped.input(i).begin());
    }
    if (first > 0) stepped.forward();
    for (Index position = first; position < shape.positions(); ++position) {
      for (std::size_t i = 0; i < whole.input_count(); ++i) {
        std::ranges::copy(whole.input(i), stepped.input(i).begin());
      }
      stepped.step(position);
    }
    EXPECT_TRUE(same_bits(stepped.output(), whole.output())) << "from position " << first;
  }
}

INSTANTIATE_TEST_SUITE_P(All, LayerContract, testing::ValuesIn(layer_cases()),
                         [](const auto& row) { return row.param.name; });

TEST(Initializer, HasTheStatedMomentsAndBounds) {
  using Kind = Initializer::Kind;
  struct Row {
    Kind kind;
    double variance;
    bool bounded;
  };
  for (const Row row :
       {Row{Kind::he_normal, 2.0 / 50, false}, Row{Kind::he_uniform, 2.0 / 50, true},
        Row{Kind::xavier_normal, 2.0 / 80, false}, Row{Kind::xavier_uniform, 2.0 / 80, true}}) {
    std::vector<Real> w(100'000);
    initialize({.kind = row.kind, .fan_in = 50, .fan_out = 30}, {.seed = 1}, w);
    double mean = 0, square = 0, most = 0;
    for (const Real x : w) {
      mean += double{x} / 1e5;
      square += double{x} * double{x} / 1e5;
      most = std::max(most, std::fabs(double{x}));
    }
    EXPECT_NEAR(mean, 0, 0.004);
    EXPECT_NEAR(square, row.variance, 0.02 * row.variance);
    EXPECT_EQ(most <= std::sqrt(3 * row.variance) * (1 + 1e-6), row.bounded);
  }
}

TEST(Initializer, EveryElementIsAFunctionOfItsKeyAndPlace) {
  const Initializer normal{.kind = Initializer::Kind::he_normal, .fan_in = 3};
  std::vector<Real> one(20'000), two(20'000), shorter(77), other(77);
  initialize(normal, {.seed = 1, .a = 4}, one);
  initialize(normal, {.seed = 1, .a = 4}, two);
  initialize(normal, {.seed = 1, .a = 4}, shorter);
  initialize(normal, {.seed = 1, .a = 5}, other);
  EXPECT_EQ(one, two);
  EXPECT_TRUE(same_bits(std::span(one).first(77), shorter));
  EXPECT_NE(shorter, other);
  initialize({.value = 0.25}, {}, shorter);
  EXPECT_THAT(shorter, testing::Each(0.25f));
}

}  // namespace
}  // namespace lockstep
