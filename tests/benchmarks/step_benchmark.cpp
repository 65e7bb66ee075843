// Time per training step of one workload, with synthetic data: mpirun -np N step_benchmark WORK
// STEPS ROUNDS [THREADS]
//
//   mlp-small   784-512-256-10, batch 512      mlp-wide   784-2048-2048-10, batch 1024
//
// Prints one JSON object: the median over the rounds of the mean step time, and each round.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "lockstep/base/clock.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/random.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/kernels/linear.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/train/trainer.hpp"

using namespace lockstep;

namespace {

struct Work {
  std::vector<Index> widths;
  Index batch;
};

Work work_named(const std::string& name) {
  if (name == "mlp-small") return {{784, 512, 256, 10}, 512};
  if (name == "mlp-wide") return {{784, 2048, 2048, 10}, 1024};
  std::fprintf(stderr, "unknown work '%s': expected mlp-small or mlp-wide\n", name.c_str());
  std::exit(64);
}

Network mlp(const Work& work) {
  Network network({.channels = work.widths.front()});
  for (std::size_t i = 1; i < work.widths.size(); ++i) {
    network.add(linear(work.widths[i]));
    if (i + 1 < work.widths.size()) network.add(relu());
  }
  return network;
}

Dataset synthetic(const Work& work) {
  Dataset data("synthetic", {.shape = {.channels = work.widths.front()}, .size = 4 * work.batch});
  const RandomKey key{.seed = 1};
  std::uint64_t element = 0;
  for (float& x : data.float_inputs()) x = static_cast<float>(random_normal(key, element++));
  for (std::int32_t& label : data.labels()) {
    label = static_cast<std::int32_t>(random_bits(key, element++) % 10);
  }
  return data;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: step_benchmark WORK STEPS ROUNDS [THREADS]\n");
    return 64;
  }
  const Environment environment;
  const Topology topology(environment.world());
  const Communicator& world = topology.ranks();
  const Work work = work_named(argv[1]);
  const int steps = std::atoi(argv[2]);
  const int rounds = std::atoi(argv[3]);
  set_thread_count(argc > 4 ? std::atoi(argv[4]) : 1);

  const Network network = mlp(work);
  const Dataset data = synthetic(work);
  const Normalization identity;
  const Samples samples{&data, Subset::whole(data.size()), &identity, &identity};
  const auto loss = cross_entropy();
  const auto optimizer = sgd({.momentum = 0.9});
  Trainer trainer(topology, network, *loss, *optimizer, samples,
                  {.batch = work.batch, .microbatches = 8});
  for (int i = 0; i < std::max(3, steps / 10); ++i) trainer.step(0.01, {}, false);

  (void)trainer.clock().take();
  std::vector<double> times;
  for (int r = 0; r < rounds; ++r) {
    world.barrier();
    const double start = now_seconds();
    for (int i = 0; i < steps; ++i) trainer.step(0.01, {}, false);
    world.barrier();
    times.push_back((now_seconds() - start) / steps);
  }
  if (world.rank() != 0) return 0;
  std::ranges::sort(times);
  const double total = steps * rounds;
  const StepTimes parts = trainer.clock().take();
  std::printf("{\"work\":\"%s\",\"ranks\":%d,\"threads\":%d,\"median_ms\":%.4f,\"best_ms\":%.4f", argv[1], world.size(), thread_count(), times[times.size() / 2] * 1e3, times.front() * 1e3);
  for (std::size_t i = 0; i < kPartNames.size(); ++i) std::printf(",\"%s\":%.3f", std::string(kPartNames[i]).c_str(), parts.seconds[i] / total * 1e3);
  std::printf("}\n");
  return 0;
}
