// The order of channels in files: every layer does what it says of its own, and whole networks
// compute from their files, by plain loops over (channels, height, width), what they compute here.
#include "lockstep/nn/file_order.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>

#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/workspace.hpp"
#include "nn/layer_cases.hpp"
#include "nn/layer_run.hpp"

namespace lockstep {
namespace {

using Order = std::vector<Index>;

/// 0 to n - 1, in another order.
Order shuffled(Index n, Index seed) {
  Order order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<std::size_t>(seed * 7919 + 31) % i]);
  }
  return order;
}

/// numbers[..., k] = numbers[..., order[k]] of rows as long as the order.
void reorder(std::span<Real> numbers, const Order& order) {
  const std::vector<Real> old(numbers.begin(), numbers.end());
  for (std::size_t row = 0; row < numbers.size(); row += order.size()) {
    for (std::size_t k = 0; k < order.size(); ++k) {
      numbers[row + k] = old[row + static_cast<std::size_t>(order[k])];
    }
  }
}

/// The same along one axis of a parameter.
void reorder(LayerRun& run, std::size_t number, int axis, const Order& order) {
  const ParameterSpec& spec = run.plan().parameters[number];
  const auto size = static_cast<std::size_t>(spec.size());
  std::vector<Real> old(size);
  for (std::size_t i = 0; i < size; ++i) old[i] = run.parameter(number, static_cast<Index>(i));
  Index stride = 1;
  for (std::size_t a = spec.shape.size(); a-- > static_cast<std::size_t>(axis) + 1;) {
    stride *= spec.shape[a];
  }
  const Index length = spec.shape[static_cast<std::size_t>(axis)];
  for (Index i = 0; i < spec.size(); ++i) {
    const Index k = i / stride % length;
    const Index from = i + (order[static_cast<std::size_t>(k)] - k) * stride;
    run.parameter(number, i) = old[static_cast<std::size_t>(from)];
  }
}

/// The order that a layer says its output has.
Order order_of_output(LayerRun& run, const std::vector<Order>& inputs) {
  if (run.plan().channels == Channels::kept) return inputs[0];
  Order order;
  if (run.plan().channels == Channels::joined) {
    for (const Order& input : inputs) {
      const auto first = static_cast<Index>(order.size());
      for (const Index k : input) order.push_back(first + k);
    }
    return order;
  }
  return shuffled(run.plan().output.channels, 5);
}

class EveryLayer : public testing::TestWithParam<LayerCase> {};

TEST_P(EveryLayer, DoesToTheOrderOfChannelsWhatItSays) {
  const LayerCase& c = GetParam();
  const std::unique_ptr<Layer> layer = c.make();
  LayerRun run(*layer, c.inputs, microbatches_of({3}));
  if (run.plan().channels == Channels::numbered || run.plan().channels == Channels::flattened) {
    return;  // there is nothing to permute; whole networks follow below
  }
  run.set_training(false);
  run.fill(c.kink, c.symbols);
  for (std::size_t p = 0; p < run.plan().parameters.size(); ++p) {
    const ParameterSpec& spec = run.plan().parameters[p];
    for (Index i = 0; spec.name == "running_var" && i < spec.size(); ++i) {
      run.parameter(p, i) = std::fabs(run.parameter(p, i)) + Real(0.5);
    }
  }
  run.forward();
  std::vector<Real> expected(run.output().begin(), run.output().end());
  std::vector<Order> inputs;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    // A layer that keeps them takes one order of all inputs.
    const Index seed = run.plan().channels == Channels::kept ? 1 : 1 + static_cast<Index>(i);
    inputs.push_back(shuffled(c.inputs[i].channels, seed));
    reorder(run.input(i), inputs.back());
  }
  bool open = run.plan().channels != Channels::mixed;
  for (const ParameterSpec& spec : run.plan().parameters) open = open || spec.output_axis >= 0;
  Order output = open ? order_of_output(run, inputs) : Order{};
  for (std::size_t p = 0; p < run.plan().parameters.size(); ++p) {
    const ParameterSpec& spec = run.plan().parameters[p];
    if (spec.input_axis >= 0) reorder(run, p, spec.input_axis, inputs[0]);
    if (spec.output_axis >= 0) reorder(run, p, spec.output_axis, output);
  }
  run.forward();
  if (!output.empty()) reorder(expected, output);
  const Real largest = std::ranges::max(expected, {}, [](Real x) { return std::fabs(x); });
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(run.output()[i], expected[i], 1e-4 * std::fabs(double{largest})) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(FileOrder, EveryLayer, testing::ValuesIn(layer_cases()),
                         [](const auto& test) { return test.param.name; });

/// The numbers of one sample as PyTorch has them: (C, H, W), or (T, C) if told so.
struct Sample {
  Index channels = 0, height = 1, width = 1;
  std::vector<double> x;

  [[nodiscard]] double at(Index c, Index i, Index j) const {
    return x[static_cast<std::size_t>((c * height + i) * width + j)];
  }
};

/// What a file has of a network, and the layers of PyTorch over it, one number after the other.
class File {
 public:
  explicit File(const Network& network) : network_(network) {
    const FileOrders orders = file_orders(network);
    EXPECT_EQ(orders.exception, "");
    std::vector<Real> flat(static_cast<std::size_t>(network.parameters().size()));
    std::uint32_t stream = 40;
    for (const Parameter& p : network.parameters().parameters()) {
      std::vector<Real> numbers(static_cast<std::size_t>(p.spec.size()));
      fill_test_values(numbers, stream++);
      for (Real& x : numbers) x = p.name.ends_with("var") ? std::fabs(x) + Real(0.5) : x / 4;
      from_file_layout(p, numbers, flat);
    }
    flat_ = flat;
    for (std::size_t i = 0; i < orders.parameters.size(); ++i) {
      const Parameter& p = network.parameters().parameters()[i];
      std::vector<Real>& numbers = tensors_[p.name];
      numbers.resize(static_cast<std::size_t>(p.spec.size()));
      to_file_layout(p, flat_, numbers, orders.parameters[i]);
      std::vector<Real> back(flat_.size());
      from_file_layout(p, numbers, back, orders.parameters[i]);
      for (Index k = 0; k < p.spec.size(); ++k) {
        const auto at = static_cast<std::size_t>(p.offset + p.spec.stored_at(k));
        EXPECT_EQ(back[at], flat_[at]) << p.name;
      }
    }
  }

  [[nodiscard]] const std::vector<Real>& tensor(const std::string& name) const {
    return tensors_.at(name);
  }

  /// The input of the network, as PyTorch has it.
  [[nodiscard]] Sample input() const {
    const Shape shape = network_.input_shape();
    const std::vector<Real> x = input_here();
    Sample sample{shape.channels, shape.height, shape.width, {}};
    for (Index c = 0; c < shape.channels; ++c) {
      for (Index p = 0; p < shape.positions(); ++p) {
        sample.x.push_back(double{x[static_cast<std::size_t>(p * shape.channels + c)]});
      }
    }
    return sample;
  }

  [[nodiscard]] Sample linear(const Sample& s, const std::string& name) const {
    const std::vector<Real>&weight = tensor(name + ".weight"), &bias = tensor(name + ".bias");
    Sample y{static_cast<Index>(bias.size()), 1, 1, {}};
    for (std::size_t o = 0; o < bias.size(); ++o) {
      double sum = double{bias[o]};
      for (std::size_t k = 0; k < s.x.size(); ++k)
        sum += double{weight[o * s.x.size() + k]} * s.x[k];
      y.x.push_back(sum);
    }
    return y;
  }

  /// Kernel 3, padding 1, in both directions or in the first one only.
  [[nodiscard]] Sample conv(const Sample& s, const std::string& name) const {
    const std::vector<Real>&weight = tensor(name + ".weight"), &bias = tensor(name + ".bias");
    const Index wide = s.width == 1 ? 1 : 3;
    Sample y{static_cast<Index>(bias.size()), s.height, s.width, {}};
    for (Index o = 0; o < y.channels; ++o) {
      for (Index i = 0; i < s.height; ++i) {
        for (Index j = 0; j < s.width; ++j) {
          double sum = double{bias[static_cast<std::size_t>(o)]};
          for (Index c = 0; c < s.channels; ++c) {
            for (Index a = 0; a < 3; ++a) {
              for (Index b = 0; b < wide; ++b) {
                const Index row = i + a - 1, column = j + b - wide / 2;
                if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
                const Index at = ((o * s.channels + c) * 3 + a) * wide + b;
                sum += double{weight[static_cast<std::size_t>(at)]} * s.at(c, row, column);
              }
            }
          }
          y.x.push_back(sum);
        }
      }
    }
    return y;
  }

  [[nodiscard]] Sample batch_norm(Sample s, const std::string& name) const {
    const auto of = [&](const char* what, std::size_t i) {
      return double{tensor(name + what)[i / (s.x.size() / static_cast<std::size_t>(s.channels))]};
    };
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      s.x[i] = (s.x[i] - of(".running_mean", i)) / std::sqrt(of(".running_var", i) + 1e-5) *
                   of(".weight", i) +
               of(".bias", i);
    }
    return s;
  }

  [[nodiscard]] Sample layer_norm(Sample s, const std::string& name) const {
    const double n = static_cast<double>(s.x.size());
    const double mean = std::accumulate(s.x.begin(), s.x.end(), 0.0) / n;
    double squares = 0;
    for (const double x : s.x) squares += (x - mean) * (x - mean);
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      s.x[i] =
          (s.x[i] - mean) / std::sqrt(squares / n + 1e-5) * double{tensor(name + ".weight")[i]} +
          double{tensor(name + ".bias")[i]};
    }
    return s;
  }

  /// Compares with what the network makes of the same input here.
  void expect(const Sample& predicted) {
    Workspace workspace(network_, {.samples = 1, .microbatches = 1, .threads = thread_count()},
                        /*training=*/false);
    std::ranges::copy(input_here(), workspace.input().data);
    const Microbatch one{0, 0, 1};
    network_.forward(flat_, {.microbatches = {&one, 1}, .training = false, .random = {}},
                     workspace);
    ASSERT_EQ(static_cast<Index>(predicted.x.size()), network_.output_shape().size());
    for (std::size_t i = 0; i < predicted.x.size(); ++i) {
      EXPECT_NEAR(workspace.output().data[i], predicted.x[i], 1e-4) << i;
    }
  }

 private:
  [[nodiscard]] std::vector<Real> input_here() const {
    std::vector<Real> x(static_cast<std::size_t>(network_.input_shape().size()));
    fill_test_values(x, 77);
    return x;
  }

  const Network& network_;
  std::vector<Real> flat_;
  std::map<std::string, std::vector<Real>> tensors_;
};

Sample relu_of(Sample s) {
  for (double& x : s.x) x = std::max(x, 0.0);
  return s;
}

/// nn.Flatten: in (C, H, W) numbers stand where they are to be.
Sample flat(Sample s) { return {static_cast<Index>(s.x.size()), 1, 1, std::move(s.x)}; }

Sample plus(Sample a, const Sample& b) {
  for (std::size_t i = 0; i < a.x.size(); ++i) a.x[i] += b.x[i];
  return a;
}

/// torch.cat along the channels.
Sample joined(Sample a, const Sample& b) {
  a.x.insert(a.x.end(), b.x.begin(), b.x.end());
  a.channels += b.channels;
  return a;
}

TEST(FileOrder, OfAConvnetWithNormsBehindFlatten) {
  Network network({3, 4, 2});
  network.add(conv2d(5), "conv");
  network.add(relu());
  network.add(flatten());
  network.add(batch_norm(), "norm");
  network.add(dropout(0.5));
  network.add(layer_norm(), "rows");
  network.add(relu());
  network.add(linear(7), "fc1");
  network.add(relu());
  network.add(linear(3), "fc2");
  File f(network);
  Sample x = flat(relu_of(f.conv(f.input(), "conv")));
  x = relu_of(f.layer_norm(f.batch_norm(x, "norm"), "rows"));
  f.expect(f.linear(relu_of(f.linear(x, "fc1")), "fc2"));
}

TEST(FileOrder, OfAFlattenedInput) {
  Network network({3, 2, 4});
  network.add(flatten());
  network.add(linear(3), "fc");
  File f(network);
  f.expect(f.linear(flat(f.input()), "fc"));
}

TEST(FileOrder, OfAConvolutionOverSequences) {
  Network network({6, 1, 3});
  network.add(conv1d(4, {.kernel = 3, .padding = 1}), "conv");
  network.add(relu());
  network.add(flatten());
  network.add(linear(3), "fc");
  File f(network);
  f.expect(f.linear(flat(relu_of(f.conv(f.input(), "conv"))), "fc"));
}

// Two readers of one flattened value, and two flattened values side by side.
TEST(FileOrder, OfBranches) {
  Network network({3, 4, 2});
  const Value a = network.add(conv2d(2), "a", {network.input()});
  const Value b = network.add(conv2d(3), "b", {network.input()});
  const Value both = network.add(concat(), "both", {a, b});
  const Value one = network.add(flatten(), "one", {both});
  const Value other = network.add(flatten(), "other", {a});
  const Value left = network.add(linear(4), "left", {one});
  const Value right = network.add(linear(4), "right", {one});
  const Value sides = network.add(sum(), "sides", {left, right});
  const Value all = network.add(concat(), "all", {other, sides, one});
  network.add(linear(3), "head", {all});
  File f(network);
  const Sample images = f.conv(f.input(), "a"), more = f.conv(f.input(), "b");
  const Sample line = flat(joined(images, more));
  const Sample sums = plus(f.linear(line, "left"), f.linear(line, "right"));
  f.expect(f.linear(joined(joined(flat(images), sums), line), "head"));
}

// What is added to a flattened image has to be made in its order.
TEST(FileOrder, OfResidualBlocksBehindFlatten) {
  Network network({2, 3, 2});
  const Value line = network.add(flatten(), "line");
  network.add(linear(5), "down");
  network.add(relu());
  network.add(linear(12), "up");
  const Value inner = network.add(batch_norm(), "norm");
  const Value first = network.add(sum(), "first", {line, inner});
  network.add(linear(12), "again");
  const Value second = network.add(relu());
  network.add(sum(), "second", {second, first});
  network.add(linear(3), "head");
  File f(network);
  const Sample x = flat(f.input());
  const Sample sums = plus(x, f.batch_norm(f.linear(relu_of(f.linear(x, "down")), "up"), "norm"));
  f.expect(f.linear(plus(relu_of(f.linear(sums, "again")), sums), "head"));
}

// One layer that is told twice, through two others.
TEST(FileOrder, OfASumOfThree) {
  Network network({2, 2, 3});
  const Value line = network.add(flatten(), "line");
  const Value up = network.add(linear(12), "up");
  const Value positive = network.add(relu(), "positive", {up});
  const Value again = network.add(batch_norm(), "norm", {up});
  network.add(sum(), "all", {positive, line, again});
  network.add(linear(3), "head");
  File f(network);
  const Sample x = flat(f.input()), y = f.linear(x, "up");
  f.expect(f.linear(plus(plus(relu_of(y), x), f.batch_norm(y, "norm")), "head"));
}

// nn.LSTM with batch_first gives (T, C), which nn.Flatten leaves as it is, and so do we.
TEST(FileOrder, BehindRecurrentLayersIsOurs) {
  for (const bool convolved : {false, true}) {
    Network network({5, 1, 3});
    network.add(lstm(4), "mix");
    network.add(layer_norm(), "norm");
    if (convolved) network.add(conv1d(2), "conv");
    network.add(relu());
    network.add(flatten());
    network.add(linear(2), "fc");
    const std::vector<FileOrder> orders = file_orders(network).parameters;
    const FileOrder& fc = orders[orders.size() - 2];
    EXPECT_EQ(fc.empty(), !convolved);
    if (convolved) {
      EXPECT_EQ(fc[0], (Order{0, 2, 4, 6, 8, 1, 3, 5, 7, 9}));
    }
    for (std::size_t i = 0; i + 2 < orders.size(); ++i) EXPECT_TRUE(orders[i].empty()) << i;
  }
}

// One channel, one position, a layer that is applied to every position: nothing to reorder.
TEST(FileOrder, IsOursWhereBothAreTheSame) {
  Network network({4, 4, 1});
  network.add(flatten());
  network.add(linear(6), "fc");
  for (const FileOrder& order : file_orders(network).parameters) EXPECT_TRUE(order.empty());
  Network image({4, 3, 2});
  image.add(linear(5), "places");
  image.add(global_avg_pool());
  image.add(flatten());
  image.add(linear(2), "fc");
  for (const FileOrder& order : file_orders(image).parameters) EXPECT_TRUE(order.empty());
}

TEST(FileOrder, SaysWhyThereIsNone) {
  Network groups({2, 3, 4});
  groups.add(flatten());
  groups.add(group_norm(2), "norm");
  groups.add(linear(2), "fc");
  EXPECT_EQ(file_orders(groups).exception, "layer 'norm' works on groups of channels");
  for (const FileOrder& order : file_orders(groups).parameters) EXPECT_TRUE(order.empty());

  Network shapes({4, 6, 2});
  const Value wide = shapes.add(flatten(), "wide", {shapes.input()});
  const Value less =
      shapes.add(conv2d(4, {.kernel = 2, .stride = 2, .padding = 0}), "less", {shapes.input()});
  const Value same = shapes.add(conv2d(8, {.kernel = 1}), "same", {less});
  const Value tall = shapes.add(flatten(), "tall", {same});
  shapes.add(sum(), "both", {wide, tall});
  EXPECT_EQ(file_orders(shapes).exception,
            "layer 'both' adds what PyTorch flattens in different orders");
}

}  // namespace
}  // namespace lockstep
