// Compiled with -ffp-contract=fast: a product and a sum become one instruction.
#include "lockstep/kernels/fma_peak.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "lockstep/base/clock.hpp"

namespace lockstep::kernels {
namespace {

// As many independent sums as hide the latency of a multiply-add and fit into registers.
#if defined(__AVX512F__)
constexpr std::size_t kVectorBytes = 64;
constexpr std::size_t kAccumulators = 28;
#elif defined(__AVX__)
constexpr std::size_t kVectorBytes = 32;
constexpr std::size_t kAccumulators = 12;
#else
constexpr std::size_t kVectorBytes = 16;
constexpr std::size_t kAccumulators = 12;
#endif

using Vector [[gnu::vector_size(kVectorBytes)]] = float;

constexpr int kBursts = 8;
constexpr std::int64_t kBurst = 200'000;  // some 3 ms

template <std::size_t... k>
void run(std::int64_t count, std::index_sequence<k...>) {
  Vector sums[] = {(Vector{} + static_cast<float>(k))...};
  Vector factor = Vector{} + 0.5f;
  Vector term = Vector{} + 1.0f;
  // The compiler must not know these numbers, nor that nobody reads the sums.
  asm volatile("" : "+m"(factor), "+m"(term));
  for (std::int64_t i = 0; i < count; ++i) ((sums[k] = sums[k] * factor + term), ...);
  asm volatile("" : : "m"(sums));
}

}  // namespace

double multiply_add(std::int64_t rounds) {
  run(rounds, std::make_index_sequence<kAccumulators>{});
  return 2.0 * static_cast<double>(rounds) * kAccumulators * (kVectorBytes / sizeof(float));
}

double fma_peak() {
  double best = 0;
  for (int burst = 0; burst < kBursts; ++burst) {
    const double start = now_seconds();
    const double flops = multiply_add(kBurst);
    best = std::max(best, flops / (now_seconds() - start));
  }
  return best;
}

}  // namespace lockstep::kernels
