#include "lockstep/data/split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.hpp"

namespace lockstep {

Subset Subset::whole(Index size) { return Subset(size); }

Subset Subset::of_blocks(const Permutation& order, Index rows, Index first, Index count,
                         Index tail) {
  Subset subset(order, first, count * rows + tail);
  subset.rows_ = rows;
  subset.in_blocks_ = count * rows;
  return subset;
}

Split hold_out(Index size, double fraction, std::uint64_t seed, Index rows) {
  if (!(fraction >= 0.0 && fraction < 1.0)) {
    throw Error(ExitCode::config,
                fmt::format("held-out fraction: expected 0 <= fraction < 1, found {}", fraction));
  }
  if (fraction == 0.0) return {Subset::whole(size), Subset::whole(0)};
  const Index blocks = size / rows;
  const Index held =
      std::max<Index>(1, static_cast<Index>(std::floor(fraction * static_cast<double>(blocks))));
  if (held >= blocks) {
    throw Error(
        ExitCode::config,
        fmt::format("holding out {} of {} samples leaves none to train on", held * rows, size));
  }
  const Permutation order(static_cast<std::uint64_t>(blocks),
                          RandomKey{seed, RandomPurpose::holdout, 0, 0});
  return {Subset::of_blocks(order, rows, held, blocks - held, size - blocks * rows),
          Subset::of_blocks(order, rows, 0, held, 0)};
}

}  // namespace lockstep
