#include "lockstep/train/known_runs.hpp"

#include <array>
#include <cassert>
#include <memory>
#include <numbers>

#include "lockstep/base/portable_math.hpp"
#include "lockstep/base/random.hpp"
#include "lockstep/io/digest.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep {
namespace {

constexpr Index kBatches = 4;  // of an epoch; the last one is smaller
constexpr int kSteps = 12;
constexpr Index kClasses = 10;
constexpr Index kSymbols = 23;

/// A known run, and how it is carried out.
struct Recipe {
  KnownRun run;
  Shape input;
  Index batch;
  double rate;
  void (*build)(Network& network);
  std::unique_ptr<Loss> (*loss)();
  std::unique_ptr<Optimizer> (*optimizer)();
};

std::unique_ptr<Loss> classes() { return cross_entropy(); }
std::unique_ptr<Optimizer> momentum() { return sgd({.momentum = 0.9}); }
std::unique_ptr<Optimizer> adaptive() { return adamw(); }

void build_mlp(Network& network) {
  for (const Index width : {70, 33}) {
    network.add(linear(width));
    network.add(relu());
  }
  network.add(linear(kClasses));
}

void build_convnet(Network& network) {
  network.add(conv2d(16));
  network.add(batch_norm());
  network.add(relu());
  network.add(conv2d(32));  // by Winograd's method
  network.add(relu());
  network.add(max_pool2d());
  network.add(dropout(0.2));
  network.add(flatten());
  network.add(linear(kClasses));
}

template <std::unique_ptr<Layer> (*kLayer)(Index, const RecurrentOptions&)>
void build_recurrent(Network& network) {
  network.add(kLayer(21, {}));
  network.add(kLayer(18, {.last = true}));
  network.add(linear(kClasses));
}

void build_transformer(Network& network) {
  constexpr Index kWidth = 24;
  Value x =
      network.add(embedding({.symbols = kSymbols, .dim = kWidth, .positions = Positions::learned}));
  for (int block = 0; block < 2; ++block) {
    network.add(layer_norm());
    const Value seen = network.add(attention({.heads = 3, .causal = true}));
    x = network.add(sum(), {}, {x, seen});
    network.add(layer_norm());
    network.add(linear(4 * kWidth));
    network.add(gelu());
    const Value thought = network.add(linear(kWidth));
    x = network.add(sum(), {}, {x, thought});
  }
  network.add(layer_norm());
  network.add(linear(kSymbols));
}

void build_regression(Network& network) {
  network.add(linear(48));
  network.add(tanh());
  network.add(linear(29));
  network.add(silu());
  network.add(linear(3));
}

const std::array<Recipe, 6>& recipes() {
  static const std::array<Recipe, 6> all{{
      {{"mlp", "linear, relu; batch of 50; sgd with momentum", "6c343bc497995a6de0ad13634074e116"},
       {.channels = 64},
       50,
       0.05,
       build_mlp,
       classes,
       momentum},
      {{"convnet", "conv2d, the second by Winograd's method, batch_norm, dropout; sgd",
        "fd0dde04315aafa779e899b852a37381"},
       {12, 12, 3},
       32,
       0.02,
       build_convnet,
       classes,
       momentum},
      {{"lstm", "two layers; adamw", "86412c0cc4717fb149e156ff06d77e51"},
       {11, 1, 5},
       37,
       0.005,
       build_recurrent<lstm>,
       classes,
       adaptive},
      {{"gru", "two layers; adamw", "ee85f4cbf7d687444791b70176c2df67"},
       {11, 1, 5},
       37,
       0.005,
       build_recurrent<gru>,
       classes,
       adaptive},
      {{"transformer", "embedding, attention, layer_norm, gelu; adamw",
        "078ece3507fb57ca426f13c7770cbf2d"},
       {14, 1, 1},
       24,
       0.003,
       build_transformer,
       classes,
       adaptive},
      {{"regression", "three outputs, tanh, silu, mean squared error; rmsprop",
        "113ed8ce2dc91d68d8fb3d8fec5be35c"},
       {.channels = 9},
       41,
       0.002,
       build_regression,
       mean_squared_error,
       [] { return rmsprop(); }},
  }};
  return all;
}

Dataset text(const Recipe& recipe, const RandomKey& key) {
  DatasetHeader header{.shape = recipe.input, .size = kBatches * recipe.batch - 3};
  header.input_type = InputType::symbols;
  header.target_columns = header.stride = recipe.input.height;
  header.symbols = header.size * header.stride + 1;
  Dataset data("known text", header);
  std::uint64_t element = 0;
  for (std::int32_t& symbol : data.symbols()) {
    symbol = static_cast<std::int32_t>(random_bits(key, element++) % kSymbols);
  }
  return data;
}

Dataset numbers(const Recipe& recipe, Index outputs, const RandomKey& key) {
  const bool values = recipe.loss == mean_squared_error;
  DatasetHeader header{.shape = recipe.input, .size = kBatches * recipe.batch - 3};
  if (values) {
    header.target_kind = TargetKind::values;
    header.target_columns = outputs;
  }
  Dataset data("known numbers", header);
  std::uint64_t element = 0;
  for (float& x : data.float_inputs()) x = static_cast<float>(random_normal(key, element++));
  if (values) {
    for (float& y : data.values()) y = static_cast<float>(random_normal(key, element++));
  } else {
    for (std::int32_t& label : data.labels()) {
      label = static_cast<std::int32_t>(random_bits(key, element++) % kClasses);
    }
  }
  return data;
}

}  // namespace

std::span<const KnownRun> known_runs() {
  static const auto runs = [] {
    std::array<KnownRun, 6> all;
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = recipes()[i].run;
    return all;
  }();
  return runs;
}

std::string train_known(const Topology& topology, std::size_t index) {
  const Recipe& recipe = recipes().at(index);
  assert(topology.ranks().size() <= kKnownMicrobatches);
  Network network(recipe.input);
  recipe.build(network);
  const auto loss = recipe.loss();
  const auto optimizer = recipe.optimizer();
  const RandomKey key{.seed = 16 + index};
  const bool symbols = recipe.build == build_transformer;
  const Dataset data =
      symbols ? text(recipe, key) : numbers(recipe, network.output_shape().channels, key);
  const Normalization identity;
  const Samples samples{&data, Subset::whole(data.size()), &identity, &identity};
  Trainer trainer(topology, network, *loss, *optimizer, samples,
                  {.seed = index, .batch = recipe.batch, .microbatches = kKnownMicrobatches});
  for (int step = 0; step < kSteps; ++step) {
    const double part = static_cast<double>(step) / kSteps;
    const double rate = recipe.rate * (1 + portable::cos(std::numbers::pi * part)) / 2;
    trainer.step(rate, {}, false);
  }
  return digest_of(std::as_bytes(trainer.parameters())).hex();
}

}  // namespace lockstep
