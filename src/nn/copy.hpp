#pragma once

#include <algorithm>

#include "lockstep/base/parallel.hpp"

namespace lockstep {

/// Copies `size` numbers; nothing where both lie in the same place.
inline void copy_numbers(const Real* from, Real* to, Index size) {
  if (from == to) return;
  parallel_for_tiles(size, kElementTile, [=](Index begin, Index end) {
    std::copy(from + begin, from + end, to + begin);
  });
}

}  // namespace lockstep
