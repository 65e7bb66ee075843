// The exchange and update of one step, twice: gradients summed by MPI_Allreduce and every rank
// updates everything; and the exchange of this project, where every rank sums and updates its
// slices:
//
//   mpirun -np N exchange_benchmark FLOATS WORK_MS STEPS ROUNDS CORES
//
// Before each exchange the ranks compute, in registers, what takes WORK_MS on one core in all. Each
// round measures the computing alone, both ways with it, and both ways without it. Prints one JSON
// object with medians over the rounds in ms per step. `ideal_ms` is WORK_MS over CORES (or over the
// ranks, if they are fewer); `alone_ms` is what the computing really takes here, when all cores
// work.
#include <mpi.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/clock.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/comm/shared_memory.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/kernels/fma_peak.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/reduce/bucket_layout.hpp"
#include "lockstep/reduce/gradient_reducer.hpp"
#include "lockstep/reduce/shard_exchange.hpp"

using namespace lockstep;

namespace {

constexpr Index kBucket = Index{1} << 18;
constexpr double kRate = 0.5;

// Small whole numbers, so that their sums are exact in any order.
void fill(std::span<Real> gradient, int rank) {
  for (std::size_t i = 0; i < gradient.size(); ++i)
    gradient[i] = static_cast<Real>(i % 7) + static_cast<Real>(rank);
}

/// MPI_Allreduce, then the same update of all parameters on every rank.
class Plain {
 public:
  Plain(const Communicator& ranks, const Optimizer& rule, Index size)
      : ranks_(ranks), rule_(rule), parameters_(size), gradient_(size), momentum_(size) {}

  [[nodiscard]] std::span<Real> gradient() { return gradient_.span(); }
  [[nodiscard]] std::span<const Real> parameters() const { return parameters_.span(); }
  void forget() {
    std::ranges::fill(gradient_.span(), Real{0});
    std::ranges::fill(momentum_.span(), Real{0});
  }
  void exchange() {
    MPI_Allreduce(MPI_IN_PLACE, gradient_.data(), static_cast<int>(gradient_.size()), MPI_FLOAT,
                  MPI_SUM, ranks_.handle());
    const std::array<std::span<Real>, 1> state{momentum_.span()};
    rule_.step(parameters_.span(), gradient_.span(), state,
               {.step = ++steps_, .learning_rate = kRate});
  }

 private:
  const Communicator& ranks_;
  const Optimizer& rule_;
  Buffer<Real> parameters_, gradient_, momentum_;
  std::uint64_t steps_ = 0;
};

/// What Trainer::step does: sums of slices, updates of slices, one copy of the parameters per node.
class Sliced {
 public:
  Sliced(const Topology& topology, const Optimizer& rule, Index size)
      : rule_(rule),
        layout_(size, kBucket, topology.ranks().size()),
        reducer_(topology, layout_, topology.ranks().size()),
        exchange_(topology, layout_),
        memory_(topology.ranks(), topology.node(),
                topology.leads() ? size * static_cast<Index>(sizeof(Real)) : 0),
        parameters_(memory_.segment_of<Real>(0).first(static_cast<std::size_t>(size))),
        momentum_(layout_.owned(topology.ranks().rank())) {}

  [[nodiscard]] std::span<Real> gradient() { return reducer_.blocks().front().values; }
  [[nodiscard]] std::span<const Real> parameters() const { return parameters_; }
  void forget() {
    std::ranges::fill(gradient(), Real{0});
    std::ranges::fill(momentum_.span(), Real{0});
  }
  void exchange() {
    reducer_.ready_from(0);
    Index at = 0;
    ++steps_;
    for (const GradientReducer::Slice& slice : reducer_.finish()) {
      const Index size = slice.range.size();
      const std::array<std::span<Real>, 1> state{momentum_.span(at, size)};
      rule_.step(parameters_.subspan(static_cast<std::size_t>(slice.range.begin),
                                     static_cast<std::size_t>(size)),
                 slice.values, state, {.step = steps_, .learning_rate = kRate});
      at += size;
    }
    exchange_.all_gather(parameters_);
  }

 private:
  const Optimizer& rule_;
  BucketLayout layout_;
  GradientReducer reducer_;
  ShardExchange exchange_;
  SharedMemory memory_;
  std::span<Real> parameters_;
  Buffer<Real> momentum_;
  std::uint64_t steps_ = 0;
};

/// Rounds of multiply_add that take a millisecond, measured by rank 0 while the others sleep.
double rounds_per_ms(const Communicator& ranks) {
  constexpr std::int64_t kCount = 1'000'000;
  double rounds = 0;
  if (ranks.rank() == 0) {
    for (int i = 0; i < 5; ++i) {
      const double start = now_seconds();
      kernels::multiply_add(kCount);
      rounds = std::max(rounds, static_cast<double>(kCount) / (now_seconds() - start) / 1e3);
    }
  }
  ranks.broadcast(std::as_writable_bytes(std::span(&rounds, 1)), 0);
  return rounds;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: exchange_benchmark FLOATS WORK_MS STEPS ROUNDS CORES\n");
    return 64;
  }
  const Index size = std::atol(argv[1]);
  const double work_ms = std::atof(argv[2]);
  const int steps = std::atoi(argv[3]);
  const int rounds = std::atoi(argv[4]);
  const int cores = std::atoi(argv[5]);
  set_thread_count(1);
  const Environment environment;
  const Topology topology(environment.world());
  const Communicator& ranks = topology.ranks();
  const auto rule = sgd({.momentum = 0.9});
  Plain plain(ranks, *rule, size);
  Sliced sliced(topology, *rule, size);

  // Both must compute the same; from then on nothing but zeros is summed, which takes as long.
  fill(plain.gradient(), ranks.rank());
  fill(sliced.gradient(), ranks.rank());
  plain.exchange();
  sliced.exchange();
  const bool equal = std::ranges::equal(plain.parameters(), sliced.parameters());
  if (ranks.any(!equal)) {
    if (ranks.rank() == 0) std::fprintf(stderr, "exchange_benchmark: the two ways differ\n");
    return 1;
  }
  plain.forget();
  sliced.forget();

  const auto count = static_cast<std::int64_t>(rounds_per_ms(ranks) * work_ms / ranks.size());
  const auto work = [&] { kernels::multiply_add(count); };
  const std::array<std::function<void()>, 5> ways{
      work, [&] { work(), plain.exchange(); }, [&] { work(), sliced.exchange(); },
      [&] { plain.exchange(); }, [&] { sliced.exchange(); }};
  std::array<std::vector<double>, ways.size()> times;
  for (int round = -1; round < rounds; ++round) {  // round -1 warms up
    for (std::size_t way = 0; way < ways.size(); ++way) {
      ranks.barrier();
      const double start = now_seconds();
      for (int i = 0; i < (round < 0 ? 3 : steps); ++i) ways[way]();
      ranks.barrier();
      if (round >= 0) times[way].push_back((now_seconds() - start) / steps * 1e3);
    }
  }
  if (ranks.rank() != 0) return 0;
  std::printf(
      "{\"floats\":%td,\"ranks\":%d,\"cores\":%d,\"work_ms\":%.3f,\"ideal_ms\":%.4f,\"alone_ms\":%."
      "4f,"
      "\"allreduce_ms\":%.4f,\"sliced_ms\":%.4f,\"allreduce_idle_ms\":%.4f,\"sliced_idle_ms\":%.4f}"
      "\n",
      size, ranks.size(), cores, work_ms, work_ms / std::min(cores, ranks.size()), median(times[0]),
      median(times[1]), median(times[2]), median(times[3]), median(times[4]));
  return 0;
}
