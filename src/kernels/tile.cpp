#include "kernels/tile.hpp"

#include <array>
#include <cassert>
#include <cstddef>
#include <utility>

#include "kernels/vector.hpp"
#include "lockstep/kernels/panels.hpp"

// Compiled with -ffp-contract=fast: `sum += a * b` becomes one fused multiply-add where the
// processor has it, and there is no other way to fuse it.

namespace lockstep::kernels {
namespace {

template <std::size_t kRows, std::size_t kVectors>
struct Sums {
  Vector at[kRows][kVectors];
};

/// c(i, j) += sum over p in [0, depth) of a[i * kRowStep + p * kDepthStep] * b[p * b_stride + j].
template <Index kRowStep, Index kDepthStep, std::size_t kRows, std::size_t kVectors>
[[gnu::always_inline]] inline void multiply_add(Sums<kRows, kVectors>& c, Index depth,
                                                const Real* a, const Real* b, Index b_stride) {
  for (Index p = 0; p < depth; ++p) {
    Vector row[kVectors];
    unrolled<kVectors>([&](auto v) { row[v] = load(b + static_cast<Index>(v) * kLanes); });
    unrolled<kRows>([&](auto i) {
      const Real factor = a[static_cast<Index>(i) * kRowStep];
      unrolled<kVectors>([&](auto v) { c.at[i][v] += factor * row[v]; });
    });
    a += kDepthStep;
    b += b_stride;
  }
}

template <std::size_t kRows, std::size_t kVectors>
void packed(const Tile& t) {
  Sums<kRows, kVectors> c{};
  if (t.start != nullptr) {
    unrolled<kRows>([&](auto i) {
      const Real* row = t.start + static_cast<Index>(i) * t.start_stride;
      unrolled<kVectors>([&](auto v) { c.at[i][v] = load(row + static_cast<Index>(v) * kLanes); });
    });
  }
  multiply_add<1, static_cast<Index>(kRows)>(c, t.depth, t.a, t.b, t.b_stride);
  unrolled<kRows>([&](auto i) {
    Real* out = t.out + static_cast<Index>(i) * t.out_stride;
    unrolled<kVectors>([&](auto v) {
      Real* place = out + static_cast<Index>(v) * kLanes;
      store(place, t.add ? load(place) + c.at[i][v] : c.at[i][v]);
    });
  });
}

template <std::size_t kRows, std::size_t kVectors>
void from_weight(const WeightTile& t) {
  constexpr Index kWidth = PanelLayout::kWidth;
  constexpr Index kColumns = static_cast<Index>(kVectors) * kLanes;
  Sums<kRows, kVectors> c{};
  const Real* a = t.a;
  const Real* b = t.b;
  Index left = t.depth;
  for (; left > kWidth; left -= kWidth) {
    multiply_add<kWidth, 1>(c, kWidth, a, b, kColumns);
    a += t.a_stride;
    b += kWidth * kColumns;
  }
  if (t.tail_width == kWidth) {
    multiply_add<kWidth, 1>(c, left, t.tail, b, kColumns);
  } else {
    multiply_add<PanelLayout::kStep, 1>(c, left, t.tail, b, kColumns);
  }
  unrolled<kRows>([&](auto i) {
    unrolled<kVectors>([&](auto v) {
      store(t.out + static_cast<Index>(i) * kColumns + static_cast<Index>(v) * kLanes, c.at[i][v]);
    });
  });
}

// The forms of a tile of 1 to kTileRows rows and one or two vectors.
template <typename Arguments>
using Forms = std::array<std::array<void (*)(const Arguments&), 2>, kTileRows>;

constexpr Forms<Tile> kPackedForms = []<std::size_t... i>(std::index_sequence<i...>) {
  return Forms<Tile>{{{{&packed<i + 1, 1>, &packed<i + 1, 2>}}...}};
}
(std::make_index_sequence<kTileRows>{});

constexpr Forms<WeightTile> kWeightForms = []<std::size_t... i>(std::index_sequence<i...>) {
  return Forms<WeightTile>{{{{&from_weight<i + 1, 1>, &from_weight<i + 1, 2>}}...}};
}
(std::make_index_sequence<kTileRows>{});

template <typename Arguments>
void dispatch(const Forms<Arguments>& forms, const Arguments& tile) {
  assert(1 <= tile.rows && tile.rows <= kTileRows);
  assert(tile.columns == kLanes || tile.columns == kTileColumns);
  forms[static_cast<std::size_t>(tile.rows - 1)][tile.columns == kTileColumns ? 1 : 0](tile);
}

}  // namespace

void multiply_tile(const Tile& tile) { dispatch(kPackedForms, tile); }

void multiply_weight_tile(const WeightTile& tile) { dispatch(kWeightForms, tile); }

}  // namespace lockstep::kernels
