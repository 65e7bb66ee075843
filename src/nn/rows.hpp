#pragma once

#include <algorithm>

#include "lockstep/base/parallel.hpp"

namespace lockstep {

/// Calls body(row) for each of `rows` rows of `columns` numbers, several rows on one thread.
template <typename Body>
void parallel_for_rows(Index rows, Index columns, const Body& body) {
  parallel_for_tiles(rows, std::max<Index>(1, kElementTile / columns), [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) body(row);
  });
}

}  // namespace lockstep
