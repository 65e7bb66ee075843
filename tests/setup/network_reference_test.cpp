#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "lockstep/config/parse.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/workspace.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/setup/catalogue.hpp"
#include "nn/layer_run.hpp"
#include "nn/reference/networks.hpp"

// Whole networks of a configuration against PyTorch: predictions, the gradient of every parameter,
// and 20 steps. Ours computes in float32; the tolerance is that of trajectory_test.cpp.

namespace lockstep {
namespace {

constexpr double kTolerance = 1e-5;

// The formula of pytorch_layers.py.
std::vector<Real> numbers(Index stream, Index count, double scale) {
  std::vector<Real> values;
  for (Index i = 0; i < count; ++i) {
    values.push_back(
        static_cast<Real>(static_cast<double>((i * 97 + stream * 31) % 199 - 99) / 64 * scale));
  }
  return values;
}

void fill_inputs(const NetworkReference& r, std::span<Real> input) {
  const bool symbols = r.input.width == 1 && r.input.channels == 1;
  if (!symbols) {
    std::ranges::copy(numbers(1, static_cast<Index>(input.size()), 1), input.begin());
    return;
  }
  for (std::size_t i = 0; i < input.size(); ++i) {
    input[i] = static_cast<Real>(static_cast<Index>(i * i) % kNetworkSymbols);
  }
}

Network network_of(const NetworkReference& r) {
  const std::string text =
      "[run]\nepochs = 1\n[data]\ntrain = \"x.csv\"\nbatch = 8\n" + r.layers +
      "[loss]\ntype = \"cross_entropy\"\n[optimizer]\ntype = \"sgd\"\nlr = 1\n";
  return build_network(config::parse({"test.toml", text}, {}, catalogue()), r.input);
}

void expect_near(std::span<const Real> found, std::span<const float> expected,
                 const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  double largest = 0;
  for (const float e : expected) largest = std::max(largest, std::fabs(double{e}));
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(double{found[i]}, double{expected[i]}, kTolerance * largest) << what << " at " << i;
  }
}

// Calls visit(parameter, its reference, its number) for what is learned, in the order of the
// reference.
template <typename Visit>
void for_each_learned(const NetworkReference& r, const Network& network, const Visit& visit) {
  const std::vector<Parameter>& table = network.parameters().parameters();
  const auto learned = std::ranges::count_if(
      table, [](const Parameter& p) { return p.spec.role() != Role::statistic; });
  EXPECT_EQ(learned, static_cast<Index>(r.gradients.size()));
  for (std::size_t i = 0; i < r.gradients.size(); ++i) {
    const auto found = std::ranges::find(table, r.gradients[i].name, &Parameter::name);
    ASSERT_NE(found, table.end()) << r.gradients[i].name;
    visit(*found, r.gradients[i], static_cast<Index>(i));
  }
}

class NetworkReferenceTest : public testing::TestWithParam<NetworkReference> {};

TEST_P(NetworkReferenceTest, IsPyTorchs) {
  const NetworkReference& r = GetParam();
  const Network network = network_of(r);
  const Index size = network.parameters().size();
  Buffer<Real> parameters(size), gradient(size), velocity(size);
  for_each_learned(r, network, [&](const Parameter& p, const NamedGradient&, Index number) {
    from_file_layout(p, numbers(10 + number, p.spec.size(), 0.125), parameters.span());
  });

  // One microbatch: batch_norm takes its statistics from each.
  const auto microbatches = microbatches_of({kNetworkSamples});
  const Pass pass{.microbatches = microbatches, .training = true, .random = {}};
  Workspace workspace(network,
                      {.samples = kNetworkSamples, .microbatches = 1, .threads = thread_count()});
  const auto loss = cross_entropy();
  const auto optimizer = sgd({.momentum = 0.9});
  const std::vector<std::span<Real>> state{velocity.span()};
  const GradientBlock block{{0, 1}, gradient.span()};
  for (std::size_t step = 0; step < r.losses.size(); ++step) {
    fill_inputs(r, workspace.input().values(kNetworkSamples));
    network.forward(parameters.span(), pass, workspace);
    if (step == 0) {
      expect_near(workspace.output().values(kNetworkSamples), r.predictions, "predictions");
    }
    MetricSums sums{};
    evaluate_loss(*loss, pass, workspace.output(), {.labels = r.labels, .values = {}},
                  Real{1} / kNetworkSamples, workspace.output_gradient(), {&sums, 1});
    EXPECT_NEAR(sums[0] / kNetworkSamples, double{r.losses[step]},
                kTolerance * double{r.losses[step]})
        << "in step " << step;
    network.backward(parameters.span(), pass, workspace, {&block, 1}, [](Index) {});
    if (step == 0) {
      for_each_learned(r, network, [&](const Parameter& p, const NamedGradient& expected, Index) {
        std::vector<Real> mine(expected.values.size());
        to_file_layout(p, gradient.span(), mine);
        expect_near(mine, expected.values, "gradient of " + p.name);
      });
    }
    optimizer->step(parameters.span(), gradient.span(), state,
                    {.step = step + 1, .learning_rate = 0.1});
  }
  EXPECT_LT(r.losses.back(), 0.96f * r.losses.front()) << "nothing was learned";
}

INSTANTIATE_TEST_SUITE_P(All, NetworkReferenceTest, testing::ValuesIn(network_references()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace lockstep
