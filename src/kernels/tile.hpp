#pragma once

#include <string_view>

#include "lockstep/base/types.hpp"

// One tile of a product, held in registers while the sum runs over the depth:
//
//     c(i, j) = start(i, j) + sum over p of a(i, p) b(p, j)
//
// one multiply-add after the other in the order of p.

namespace lockstep::kernels {

#if defined(__AVX512F__)
inline constexpr Index kVectorBytes = 64;
inline constexpr Index kTileRows = 14;  // 28 sums, 2 vectors of b and one of a: of 32 registers
inline constexpr std::string_view kTileName = "AVX-512, tiles of 14 x 32";
#elif defined(__AVX__) && defined(__FMA__)
inline constexpr Index kVectorBytes = 32;
inline constexpr Index kTileRows = 6;  // 12 sums, 2 vectors of b and one of a: of 16 registers
inline constexpr std::string_view kTileName = "AVX2, tiles of 6 x 16";
#else
inline constexpr Index kVectorBytes = 16;
inline constexpr Index kTileRows = 6;
inline constexpr std::string_view kTileName = "128-bit vectors, tiles of 6 x 8";
#endif

inline constexpr Index kLanes = kVectorBytes / static_cast<Index>(sizeof(Real));
inline constexpr Index kTileColumns = 2 * kLanes;

/// What one tile is made of. a lies in columns, a(i, p) = a[p * a_step + i], or in rows, a(i, p) =
/// a[i * a_step + p]. b is read row by row, `b_stride` numbers apart. The result goes to `out`;
/// with `add`, it is added to what lies there.
struct Tile {
  Index rows = 0;     ///< at most kTileRows
  Index columns = 0;  ///< kLanes or kTileColumns
  Index depth = 0;
  const Real* a = nullptr;
  Index a_step = 0;
  bool a_in_rows = false;
  const Real* b = nullptr;
  Index b_stride = 0;
  const Real* start = nullptr;  ///< null: zero
  Index start_stride = 0;       ///< 0: every row starts with the same numbers
  Real* out = nullptr;
  Index out_stride = 0;
  bool add = false;
};

void multiply_tile(const Tile& tile);

/// The same where the matrix of `out` ends within the tile: only the first `kept` columns are
/// there, to be written and, unless all rows start with the same numbers, to start with.
void multiply_tile(const Tile& tile, Index kept);

}  // namespace lockstep::kernels
