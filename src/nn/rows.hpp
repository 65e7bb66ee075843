#pragma once

#include <algorithm>

#include "lockstep/base/parallel.hpp"
#include "lockstep/base/types.hpp"

namespace lockstep {

/// One row of a matrix as a matrix.
[[nodiscard]] inline Matrix row_of(Matrix m, Index row) {
  return {m.data + row * m.columns, 1, m.columns};
}
[[nodiscard]] inline ConstMatrix row_of(ConstMatrix m, Index row) {
  return {m.data + row * m.columns, 1, m.columns};
}

/// Calls body(row) for each of `rows` rows of `columns` numbers, several rows on one thread.
template <typename Body>
void parallel_for_rows(Index rows, Index columns, const Body& body) {
  parallel_for_tiles(rows, std::max<Index>(1, kElementTile / columns), [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) body(row);
  });
}

}  // namespace lockstep
