#include "lockstep/data/split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.hpp"

namespace lockstep {

Subset Subset::whole(Index size) { return Subset(size); }

Split hold_out(Index size, double fraction, std::uint64_t seed) {
  if (!(fraction >= 0.0 && fraction < 1.0)) {
    throw Error(ExitCode::config,
                fmt::format("held-out fraction: expected 0 <= fraction < 1, found {}", fraction));
  }
  if (fraction == 0.0) return {Subset::whole(size), Subset::whole(0)};
  const Index held =
      std::max<Index>(1, static_cast<Index>(std::floor(fraction * static_cast<double>(size))));
  if (held >= size) {
    throw Error(ExitCode::config,
                fmt::format("holding out {} of {} samples leaves none to train on", held, size));
  }
  const Permutation order(static_cast<std::uint64_t>(size),
                          RandomKey{seed, RandomPurpose::holdout, 0, 0});
  return {Subset(order, held, size - held), Subset(order, 0, held)};
}

}  // namespace lockstep
