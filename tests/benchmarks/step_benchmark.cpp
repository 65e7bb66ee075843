// Time per training step of one workload, with synthetic data:
//
//   mpirun -np N step_benchmark WORK STEPS ROUNDS [--threads 1] [--microbatches 8]
//   [--ranks-per-node ALL]
//
//   mlp-small   784-512-256-10, batch 512      mlp-wide   784-2048-2048-10, batch 1024
//   convnet     32x32x3, 2 x conv 32, pool, 2 x conv 64, pool, 256-10, batch 128
//   gpt         4 transformer blocks, 128 wide, 4 heads, 64 positions, 65 symbols, batch 32, AdamW
//
// Prints one JSON object: median and best over the rounds of the mean step time; where rank 0's
// time went, in ms per step; FLOPs of the products of a step. One rank with one thread also
// measures the peak of its core, before and after each round, and the share of it that the round
// reached.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/base/clock.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/random.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/kernels/fma_peak.hpp"
#include "lockstep/kernels/linear.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/train/trainer.hpp"

using namespace lockstep;

namespace {

struct Work {
  std::string name;
  Shape input;
  Index batch;
  void (*build)(Network& network);
  Index symbols = 0;  ///< of a text
};

struct Options {
  Work work;
  int steps = 1;
  int rounds = 1;
  int threads = 1;
  int microbatches = 8;
  int ranks_per_node = 0;  ///< 0: all that share memory
};

[[noreturn]] void refuse(const char* what) {
  std::fprintf(stderr,
               "step_benchmark: %s\n"
               "usage: step_benchmark mlp-small|mlp-wide|convnet|gpt STEPS ROUNDS [--threads N] "
               "[--microbatches N] [--ranks-per-node N]\n",
               what);
  std::exit(64);
}

void add_mlp(Network& network, std::initializer_list<Index> hidden) {
  for (const Index width : hidden) {
    network.add(linear(width));
    network.add(relu());
  }
  network.add(linear(10));
}

void add_convnet(Network& network) {
  for (const Index channels : {32, 64}) {
    for (int i = 0; i < 2; ++i) {
      network.add(conv2d(channels));
      network.add(relu());
    }
    network.add(max_pool2d());
  }
  network.add(flatten());
  add_mlp(network, {256});
}

void add_gpt(Network& network) {
  constexpr Index kWidth = 128;
  constexpr Index kBlocks = 4;
  Value x = network.add(embedding({.symbols = 65, .dim = kWidth, .positions = Positions::learned}));
  for (Index i = 0; i < kBlocks; ++i) {
    network.add(layer_norm());
    const Value seen = network.add(attention({.heads = 4, .causal = true}));
    x = network.add(sum(), {}, {x, seen});
    network.add(layer_norm());
    network.add(linear(4 * kWidth));
    network.add(gelu());
    const Value thought = network.add(linear(kWidth));
    x = network.add(sum(), {}, {x, thought});
  }
  network.add(layer_norm());
  network.add(linear(65));
}

Work work_named(const std::string& name) {
  const Shape vector{.channels = 784};
  if (name == "mlp-small") return {name, vector, 512, [](Network& n) { add_mlp(n, {512, 256}); }};
  if (name == "mlp-wide") return {name, vector, 1024, [](Network& n) { add_mlp(n, {2048, 2048}); }};
  if (name == "convnet") return {name, {32, 32, 3}, 128, add_convnet};
  if (name == "gpt") return {name, {64, 1, 1}, 32, add_gpt, 65};
  refuse("unknown work");
}

int positive(const char* text) {
  const int number = std::atoi(text);
  if (number < 1) refuse("numbers are at least 1");
  return number;
}

Options parse(int argc, char** argv) {
  if (argc < 4 || argc % 2 != 0) refuse("wrong number of arguments");
  Options options{
      .work = work_named(argv[1]), .steps = positive(argv[2]), .rounds = positive(argv[3])};
  for (int i = 4; i < argc; i += 2) {
    const std::string_view name = argv[i];
    int* const value = name == "--threads"          ? &options.threads
                       : name == "--microbatches"   ? &options.microbatches
                       : name == "--ranks-per-node" ? &options.ranks_per_node
                                                    : nullptr;
    if (value == nullptr) refuse("unknown option");
    *value = positive(argv[i + 1]);
  }
  return options;
}

Dataset synthetic(const Work& work) {
  const RandomKey key{.seed = 1};
  std::uint64_t element = 0;
  DatasetHeader header{.shape = work.input, .size = 4 * work.batch};
  if (work.symbols > 0) {
    header.input_type = InputType::symbols;
    header.target_columns = header.stride = work.input.height;
    header.symbols = header.size * header.stride + 1;
    Dataset text("synthetic", header);
    for (std::int32_t& symbol : text.symbols()) {
      symbol = static_cast<std::int32_t>(random_bits(key, element++) %
                                         static_cast<std::uint32_t>(work.symbols));
    }
    return text;
  }
  Dataset data("synthetic", header);
  for (float& x : data.float_inputs()) x = static_cast<float>(random_normal(key, element++));
  for (std::int32_t& label : data.labels()) {
    label = static_cast<std::int32_t>(random_bits(key, element++) % 10);
  }
  return data;
}

// Of each product in its direct form: forward and weight gradient of every layer, and input
// gradient of every layer behind the first that learns.
double flops_per_step(const Network& network, const Work& work) {
  double products = 0;
  bool first = true;
  for (const Network::Node& node : network.nodes()) {
    products += (first ? 2 : 3) * node.multiply_adds;
    first = first && node.parameter_sizes.empty();
  }
  return 2 * products * static_cast<double>(work.batch);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Measured {
  std::vector<double> seconds;  ///< per step, of each round
  std::vector<double> peaks;    ///< FLOP/s around each round
  std::vector<double> shares;   ///< of the peak that the round reached
  StepTimes parts;              ///< over all rounds
};

Measured measure(Trainer& trainer, const Topology& topology, double flops, const Options& options) {
  const bool with_peak = topology.ranks().size() == 1 && options.threads == 1;
  Measured result;
  for (int i = 0; i < std::max(3, options.steps / 10); ++i) trainer.step(0.01, {}, false);
  static_cast<void>(trainer.clock().take());
  for (int r = 0; r < options.rounds; ++r) {
    const double peak_before = with_peak ? kernels::fma_peak() : 0;
    topology.ranks().barrier();
    trainer.clock().skip();
    const double start = now_seconds();
    for (int i = 0; i < options.steps; ++i) trainer.step(0.01, {}, false);
    topology.ranks().barrier();
    result.seconds.push_back((now_seconds() - start) / options.steps);
    result.parts += trainer.clock().take();
    const double peak = with_peak ? std::max(peak_before, kernels::fma_peak()) : 0;
    result.peaks.push_back(peak);
    result.shares.push_back(with_peak ? flops / result.seconds.back() / peak : 0);
  }
  return result;
}

void print(const Measured& measured, int ranks, double flops, const Options& options) {
  const double step = median(measured.seconds);
  std::printf("{\"work\":\"%s\",\"ranks\":%d,\"threads\":%d,\"microbatches\":%d,\"kernel\":\"%s\"",
              options.work.name.c_str(), ranks, thread_count(), options.microbatches,
              std::string(kernels::kernel_name()).c_str());
  std::printf(",\"median_ms\":%.4f,\"best_ms\":%.4f,\"samples_per_s\":%.0f", step * 1e3,
              std::ranges::min(measured.seconds) * 1e3,
              static_cast<double>(options.work.batch) / step);
  for (std::size_t i = 0; i < kPartRows.size(); ++i) {
    std::printf(",\"%s_ms\":%.4f", std::string(kPartRows[i].name).c_str(),
                measured.parts.seconds[i] / (options.steps * options.rounds) * 1e3);
  }
  std::printf(",\"flops_per_step\":%.0f,\"gflops\":%.2f", flops, flops / step / 1e9);
  if (measured.peaks.front() > 0) {
    std::printf(",\"peak_gflops\":%.2f,\"peak_share\":%.4f", median(measured.peaks) / 1e9,
                median(measured.shares));
  }
  std::printf("}\n");
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const Environment environment;
  const int ranks = environment.world().size();
  if (options.microbatches < ranks) refuse("there are at least as many microbatches as ranks");
  set_thread_count(options.threads);

  const int node_size = options.ranks_per_node > 0 ? options.ranks_per_node : ranks;
  const Topology topology(environment.world(), {&node_size, 1});
  Network network(options.work.input);
  options.work.build(network);
  const double flops = flops_per_step(network, options.work);
  const Dataset data = synthetic(options.work);
  const Normalization identity;
  const Samples samples{&data, Subset::whole(data.size()), &identity, &identity};
  const auto loss = cross_entropy();
  const auto optimizer = options.work.symbols > 0 ? adamw() : sgd({.momentum = 0.9});
  Trainer trainer(topology, network, *loss, *optimizer, samples,
                  {.batch = options.work.batch, .microbatches = options.microbatches});
  const Measured measured = measure(trainer, topology, flops, options);
  if (topology.ranks().rank() == 0) print(measured, ranks, flops, options);
  return 0;
}
