#include "lockstep/nn/decoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layers.hpp"

namespace lockstep {
namespace {

constexpr Index kSymbols = 11;

void add_transformer_block(Network& network, Index channels) {
  const Value x{static_cast<Index>(network.nodes().size())};
  network.add(layer_norm());
  network.add(attention({.heads = 2, .causal = true}));
  Value mixed = network.add(dropout(0.2));
  mixed = network.add(sum(), {}, {mixed, x});
  network.add(rms_norm());
  network.add(linear(3 * channels));
  network.add(gelu());
  const Value part = network.add(linear(channels));
  network.add(sum(), {}, {part, mixed});
}

struct Architecture {
  std::string name;
  std::function<void(Network&)> fill;
};

std::vector<Architecture> architectures() {
  return {{"transformer",
           [](Network& n) {
             n.add(embedding({.symbols = kSymbols, .dim = 36, .positions = Positions::learned}));
             add_transformer_block(n, 36);
             add_transformer_block(n, 36);
             n.add(linear(kSymbols));
           }},
          {"sinusoids",
           [](Network& n) {
             n.add(embedding({.symbols = kSymbols, .dim = 6, .positions = Positions::sinusoidal}));
             n.add(batch_norm());
             add_transformer_block(n, 6);
             n.add(linear(kSymbols));
             n.add(softmax());
           }},
          {"recurrent", [](Network& n) {
             n.add(embedding({.symbols = kSymbols, .dim = 7}));
             n.add(lstm(9));
             const Value first = n.add(dropout(0.5));
             const Value second = n.add(gru(5));
             n.add(concat(), {}, {first, second});
             n.add(linear(kSymbols));
           }}};
}

/// What is predicted at the last of these symbols by forward on a window that holds nothing else.
std::vector<Real> prediction_of(const Network& network, std::span<const Real> parameters,
                                std::span<const Real> symbols) {
  Workspace workspace(network, {.samples = 1, .microbatches = 1, .threads = thread_count()}, false);
  const std::span<Real> input = workspace.input().values(1);
  std::ranges::fill(input, Real{kSymbols - 1});
  std::ranges::copy(symbols, input.begin());
  const Microbatch one{.index = 0, .first_row = 0, .rows = 1};
  network.forward(parameters, {.microbatches = {&one, 1}, .training = false, .random = {}},
                  workspace);
  const auto row = workspace.output().matrix(1).row(static_cast<Index>(symbols.size()) - 1);
  return {row.begin(), row.end()};
}

class DecoderTest : public testing::TestWithParam<Architecture> {
 protected:
  /// A network for windows of so many symbols, and its parameters.
  explicit DecoderTest(Index positions = 20) : network_({positions, 1, 1}) {
    GetParam().fill(network_);
    parameters_ = Buffer<Real>(network_.parameters().size());
    network_.parameters().initialize(5, parameters_.span());
  }

  static Real symbol(std::size_t i) { return static_cast<Real>(i * i * 7 % 13 % kSymbols); }
  static std::vector<Real> symbols(std::size_t count) {
    std::vector<Real> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(symbol(i));
    return all;
  }

  Network network_;
  Buffer<Real> parameters_;
};

TEST_P(DecoderTest, EveryPredictionHasTheBitsOfForwardOnTheWindow) {
  Decoder decoder(network_, parameters_.span());
  for (std::size_t i = 0; i < 53; ++i) {
    const Real next = symbol(i);
    const std::span<const Real> found = decoder.append({&next, 1});
    // 20 symbols fit; of a full window 10 stay, and the new one comes to them.
    const std::size_t size = i < 20 ? i + 1 : 11 + (i - 20) % 10;
    ASSERT_EQ(decoder.window().size(), size);
    ASSERT_EQ(decoder.window().back(), next);
    ASSERT_EQ(decoder.window().front(), symbol(i + 1 - size));
    const std::vector<Real> expected =
        prediction_of(network_, parameters_.span(), decoder.window());
    ASSERT_EQ(std::memcmp(found.data(), expected.data(), found.size_bytes()), 0) << "symbol " << i;
  }
}

TEST_P(DecoderTest, ItDoesNotMatterHowTheSymbolsCame) {
  const std::vector<Real> all = symbols(47);
  Decoder together(network_, parameters_.span());
  const std::span<const Real> expected = together.append(all);
  Decoder parts(network_, parameters_.span());
  std::span<const Real> found;
  std::size_t begin = 0;
  for (const std::size_t count : {3u, 1u, 1u, 22u, 1u, 12u, 7u}) {
    found = parts.append(std::span(all).subspan(begin, count));
    begin += count;
  }
  ASSERT_EQ(begin, all.size());
  EXPECT_TRUE(std::ranges::equal(parts.window(), together.window()));
  EXPECT_EQ(std::memcmp(found.data(), expected.data(), found.size_bytes()), 0);
}

// So a symbol costs one position: whoever computed the window again would change the rows behind
// it, which see it.
TEST_P(DecoderTest, AStepSetsItsRowAlone) {
  constexpr Index kPositions = 20;
  Workspace workspace(network_, {.samples = 1, .microbatches = 1, .threads = thread_count()},
                      false);
  std::ranges::fill(workspace.input().values(1), Real{0});
  const Microbatch one{.index = 0, .first_row = 0, .rows = 1};
  network_.forward(parameters_.span(), {.microbatches = {&one, 1}, .training = false, .random = {}},
                   workspace);
  const ConstMatrix output = workspace.output().matrix(1);
  for (Index position = 0; position < kPositions; ++position) {
    const std::vector<Real> before(output.data, output.data + kPositions * kSymbols);
    workspace.input().data[position] = Real{3};
    network_.step(parameters_.span(), position, workspace);
    for (Index row = 0; row < kPositions; ++row) {
      const auto then = std::span(before).subspan(static_cast<std::size_t>(row * kSymbols),
                                                  static_cast<std::size_t>(kSymbols));
      EXPECT_EQ(std::ranges::equal(output.row(row), then), row != position)
          << "row " << row << " after a step at " << position;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, DecoderTest, testing::ValuesIn(architectures()),
                         [](const auto& row) { return row.param.name; });

void expect_refusal(const Network& network, const std::string& part) {
  try {
    Decoder decoder(network, {});
    FAIL() << "expected an error with: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(DecoderErrors, NameTheLayerThatLooksAhead) {
  const auto with = [](std::unique_ptr<Layer> layer) {
    Network network({8, 1, 1});
    network.add(embedding({.symbols = kSymbols, .dim = 4}));
    network.add(std::move(layer), "odd");
    network.add(linear(kSymbols));
    return network;
  };
  expect_refusal(with(attention({.heads = 2})), "layer 'odd': attention does not take a sequence");
  expect_refusal(with(conv1d(4)), "layer 'odd': conv1d");
  expect_refusal(with(group_norm(2)), "layer 'odd': group_norm");
  expect_refusal(with(lstm(4, {.last = true})), "every position");
  Network image({4, 4, 3});
  image.add(linear(3));
  expect_refusal(image, "a sequence of symbols");
}

}  // namespace
}  // namespace lockstep
