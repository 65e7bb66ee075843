#include "lockstep/kernels/fma_peak.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "kernels/vector.hpp"
#include "lockstep/base/clock.hpp"

namespace lockstep::kernels {
namespace {

// As many independent sums as hide the latency of a multiply-add and fit into registers.
constexpr std::size_t kAccumulators = 2 * kTileRows;

constexpr int kBursts = 8;
constexpr std::int64_t kBurst = 200'000;  // some 3 ms

template <std::size_t... k>
void run(std::int64_t count, std::index_sequence<k...>) {
  Vector sums[] = {broadcast(static_cast<Real>(k))...};
  Vector factor = broadcast(Real{0.5});
  Vector term = broadcast(1);
  // The compiler must not know these numbers, nor that nobody reads the sums.
  asm volatile("" : "+m"(factor), "+m"(term));
  for (std::int64_t i = 0; i < count; ++i)
    ((sums[k] = fused_multiply_add(sums[k], factor, term)), ...);
  asm volatile("" : : "m"(sums));
}

}  // namespace

double multiply_add(std::int64_t rounds) {
  run(rounds, std::make_index_sequence<kAccumulators>{});
  return 2.0 * static_cast<double>(rounds) * kAccumulators * kLanes;
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
