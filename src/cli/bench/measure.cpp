#include "cli/bench/measure.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>

#include "lockstep/base/clock.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/random.hpp"
#include "lockstep/comm/node_barriers.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/digest.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/kernels/fma_peak.hpp"
#include "lockstep/kernels/gemm.hpp"
#include "lockstep/kernels/linear.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/reduce/gradient_reducer.hpp"
#include "lockstep/reduce/shard_exchange.hpp"

namespace lockstep {
namespace {

constexpr int kRounds = 5;
constexpr Index kBucket = Index{1} << 18;  // numbers; as parallel.bucket by default

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

template <typename Work>
double seconds_of(Index iterations, const Work& work) {
  const double start = now_seconds();
  for (Index i = 0; i < iterations; ++i) work();
  return (now_seconds() - start) / static_cast<double>(iterations);
}

/// The exchange of a step with one gradient block per rank, and an update.
class OurExchange {
 public:
  OurExchange(const Topology& topology, Index numbers)
      : layout_(numbers, kBucket, topology.ranks().size()),
        reducer_(topology, layout_, topology.ranks().size()),
        exchange_(topology, layout_),
        memory_(topology.ranks(), topology.node(),
                topology.leads() ? numbers * static_cast<Index>(sizeof(Real)) : 0),
        parameters_(memory_.segment_of<Real>(0)),
        momentum_(layout_.owned(topology.ranks().rank())) {}

  void step(const Optimizer* optimizer) {
    reducer_.ready_from(0);
    Index at = 0;
    for (const GradientReducer::Slice& slice : reducer_.finish()) {
      const Index size = slice.range.size();
      const std::array<std::span<Real>, 1> state{momentum_.span(at, size)};
      if (optimizer != nullptr) {
        optimizer->step(parameters_.subspan(static_cast<std::size_t>(slice.range.begin),
                                            static_cast<std::size_t>(size)),
                        slice.values, state, {.step = 1, .learning_rate = 0.01});
      }
      at += size;
    }
    (void)exchange_.all_gather(parameters_);
  }

 private:
  BucketLayout layout_;
  GradientReducer reducer_;
  ShardExchange exchange_;
  SharedMemory memory_;
  std::span<Real> parameters_;
  Buffer<Real> momentum_;
};

Buffer<Real> random_numbers(Index count, std::uint32_t stream) {
  Buffer<Real> numbers(count);
  for (Index i = 0; i < count; ++i) {
    numbers.data()[i] =
        static_cast<Real>(random_uniform({.seed = 1, .a = stream}, static_cast<std::uint64_t>(i)));
  }
  return numbers;
}

}  // namespace

ExchangeTimes measure_exchange(const Topology& topology, Index numbers, bool update,
                               Index iterations) {
  const auto optimizer = sgd({.momentum = 0.9});
  OurExchange ours(topology, numbers);
  Buffer<Real> gradient(numbers), parameters(numbers), momentum(numbers);
  const auto our_step = [&] { ours.step(update ? optimizer.get() : nullptr); };
  const auto plain_step = [&] {
    topology.ranks().all_reduce(gradient.span());
    const std::array<std::span<Real>, 1> state{momentum.span()};
    if (!update) return;
    optimizer->step(parameters.span(), gradient.span(), state, {.step = 1, .learning_rate = 0.01});
  };
  our_step();
  plain_step();
  if (iterations == 0) {  // agreed, for the slowest
    constexpr double kRoundSeconds = 0.05;
    topology.ranks().barrier();
    const double once = std::max(seconds_of(3, our_step), 1e-7);
    const double most = std::min(kRoundSeconds / once, 1e4);
    iterations = topology.ranks().minimum(std::max(1, static_cast<int>(most)));
  }
  std::vector<double> our_times, plain_times;
  for (int round = 0; round < kRounds; ++round) {
    topology.ranks().barrier();
    our_times.push_back(seconds_of(iterations, our_step));
    topology.ranks().barrier();
    plain_times.push_back(seconds_of(iterations, plain_step));
  }
  return {median(our_times), median(plain_times), iterations};
}

std::vector<ProductSpeed> measure_products(Index m, Index k, Index n) {
  constexpr Index kMicrobatches = 8;
  using kernels::GemmShape;
  using kernels::Transpose;
  const kernels::PanelLayout layout{k, n};
  const Buffer<Real> x = random_numbers(m * k, 1), w = random_numbers(layout.size(), 2),
                     dy = random_numbers(m * n, 3), plain_w = random_numbers(k * n, 4);
  Buffer<Real> y(m * n), dx(m * k), dw(layout.size()), plain_dw(k * n), bias(n);
  Buffer<Real> scratch(kernels::linear_scratch(m, kMicrobatches, layout, thread_count()));
  std::vector<Microbatch> microbatches(kMicrobatches);
  cut_batch({0, kMicrobatches}, m, kMicrobatches, microbatches);
  const kernels::LinearGradient gradient{{0, kMicrobatches}, dw.data(), bias.span()};

  struct Candidate {
    ProductSpeed speed;
    std::function<void()> ours;
    GemmShape shape;
    const Real *a, *b;
    Real* c;
    std::vector<double> seconds[3];
  };
  std::array<Candidate, 3> all{
      Candidate{{"forward", m, k, n},
                [&] {
                  kernels::linear_forward({x.data(), m, k}, {w.data(), layout}, bias.span(),
                                          {y.data(), m, n}, scratch.span());
                },
                {.m = m, .n = n, .k = k, .lda = k, .ldb = n, .ldc = n},
                x.data(),
                plain_w.data(),
                y.data(),
                {}},
      Candidate{
          {"input grad", m, k, n},
          [&] {
            kernels::linear_input_gradient({dy.data(), m, n}, {w.data(), layout}, {dx.data(), m, k},
                                           scratch.span());
          },
          {.transpose_b = Transpose::yes, .m = m, .n = k, .k = n, .lda = n, .ldb = n, .ldc = k},
          dy.data(),
          plain_w.data(),
          dx.data(),
          {}},
      Candidate{
          {"weight grad", m, k, n},
          [&] {
            kernels::linear_weight_gradient({microbatches, 1}, {x.data(), m, k}, {dy.data(), m, n},
                                            {&gradient, 1}, scratch.span());
          },
          {.transpose_a = Transpose::yes, .m = k, .n = n, .k = m, .lda = k, .ldb = n, .ldc = n},
          x.data(),
          dy.data(),
          plain_dw.data(),
          {}}};

  const double operations =
      2.0 * static_cast<double>(m) * static_cast<double>(k) * static_cast<double>(n);
  const Index iterations = std::clamp<Index>(static_cast<Index>(1e9 / operations), 1, 10'000);
  double peak = 0;
  for (int round = 0; round < kRounds; ++round) {
    peak = std::max(peak, kernels::fma_peak());
    for (Candidate& c : all) {
      c.seconds[0].push_back(seconds_of(iterations, c.ours));
      c.seconds[1].push_back(
          seconds_of(iterations, [&] { kernels::gemm_eigen(c.shape, c.a, c.b, c.c); }));
      if (!kernels::has_onednn()) continue;
      c.seconds[2].push_back(
          seconds_of(iterations, [&] { kernels::gemm_onednn(c.shape, c.a, c.b, c.c); }));
    }
  }
  std::vector<ProductSpeed> speeds;
  for (Candidate& c : all) {
    c.speed.peak = peak;
    c.speed.ours = operations / median(c.seconds[0]);
    c.speed.eigen = operations / median(c.seconds[1]);
    if (kernels::has_onednn()) c.speed.onednn = operations / median(c.seconds[2]);
    speeds.push_back(c.speed);
  }
  return speeds;
}

StorageSpeed measure_storage(const std::filesystem::path& directory, Index bytes) {
  const std::vector<std::byte> content(static_cast<std::size_t>(bytes), std::byte{0x5a});
  const auto path = directory / ("lockstep-bench-" + std::to_string(::getpid()));
  const auto size = static_cast<double>(bytes);
  std::vector<double> write, read, digest;
  try {
    for (int round = 0; round < kRounds; ++round) {
      write.push_back(size / seconds_of(1, [&] { write_atomically(path, content); }));
      std::vector<std::byte> back;
      read.push_back(size / seconds_of(1, [&] { back = read_file(path); }));
      digest.push_back(size / seconds_of(1, [&] { (void)digest_of(back); }));
    }
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    throw;
  }
  std::filesystem::remove(path);
  return {median(write), median(read), median(digest)};
}

}  // namespace lockstep
