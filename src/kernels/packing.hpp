#pragma once

#include <algorithm>

#include "kernels/tile.hpp"
#include "lockstep/base/scratch.hpp"
#include "lockstep/base/types.hpp"

namespace lockstep::kernels {

/// [begin, end) cut into as few strips as possible of at most kTileRows, as equal as possible: a
/// narrow strip costs almost as much as a full one.
struct Strips {
  Index begin = 0;
  Index end = 0;

  [[nodiscard]] Index count() const { return pieces_of(end - begin, kTileRows); }
  [[nodiscard]] Index first(Index strip) const { return begin + (end - begin) * strip / count(); }
  [[nodiscard]] Index rows(Index strip) const { return first(strip + 1) - first(strip); }
};

/// Columns of the narrowest tile that holds `count`.
[[nodiscard]] constexpr Index tile_columns(Index count) {
  return count <= kLanes ? kLanes : kTileColumns;
}

/// Room for `count` packed numbers and what packing writes beyond them.
[[nodiscard]] inline Real* take_packed(Scratch& scratch, Index count) {
  return scratch.take<Real>(count + kLanes).data();
}

/// out[p * width + i] = from[i * stride + p] for i in [0, rows) and p in [0, depth); zero for i in
/// [rows, width). Writes up to kLanes numbers beyond the end of out.
void pack_transposed(const Real* from, Index stride, Index rows, Index depth, Index width,
                     Real* out);

/// Rows that are packed at a time where that is strips or panels of them: they are read from end to
/// end while they are near.
inline constexpr Index kNearRows = 16;

/// Packs rows [0, depth) of `from` strip after strip: strip s, its columns [first, first + rows),
/// becomes out[(first - strips.begin) * depth + p * rows + i] = from[p * stride + first + i].
void pack_strips(const Real* from, Index stride, Index depth, const Strips& strips, Real* out);

/// out[p * width + i] = from[p * stride + i] for p in [0, depth) and i in [0, columns); zero for i
/// in [columns, width).
void pack_rows(const Real* from, Index stride, Index depth, Index columns, Index width, Real* out);

}  // namespace lockstep::kernels
