#include "lockstep/optim/statistic.hpp"

#include <cassert>

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

}  // namespace lockstep
