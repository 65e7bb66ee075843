#include "lockstep/optim/statistic.hpp"

#include <cassert>
#include <iterator>

#include "lockstep/base/parallel.hpp"

namespace lockstep {

void average_statistics(std::span<Real> statistics, std::span<const Real> sums, double averaging,
                        Index samples) {
  assert(statistics.size() == sums.size() && samples >= 1);
  const auto share = static_cast<Real>(averaging);
  const auto count = static_cast<Real>(samples);
  for (std::size_t i = 0; i < statistics.size(); ++i) {
    statistics[i] += share * (sums[i] / count - statistics[i]);
  }
}

void average_weights(std::span<Real> average, std::span<const Real> weights, double decay) {
  assert(average.size() == weights.size() && decay >= 0 && decay < 1);
  const auto share = static_cast<Real>(1 - decay);
  Real* e = average.data();
  const Real* w = weights.data();
  parallel_for_tiles(std::ssize(average), kElementTile, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) e[i] += share * (w[i] - e[i]);
  });
}

}  // namespace lockstep
