#include "kernels/tile.hpp"

#include <cstddef>

#include "kernels/multiply_add.hpp"
#include "lockstep/kernels/panels.hpp"

namespace lockstep::kernels {
namespace {

template <std::size_t kRows, std::size_t kVectors, typename RowStep, typename DepthStep>
[[gnu::always_inline]] inline void run_tile(const Tile& t, RowStep row_step, DepthStep depth_step) {
  Sums<kRows, kVectors> c{};
  if (t.start != nullptr) load(c, t.start, t.start_stride);
  multiply_add(c, t.depth, t.a, row_step, depth_step, t.b, t.b_stride);
  unrolled<kRows>([&](auto i) {
    Real* out = t.out + static_cast<Index>(i) * t.out_stride;
    unrolled<kVectors>([&](auto v) {
      Real* place = out + static_cast<Index>(v) * kLanes;
      store(place, t.add ? load(place) + c.at[i][v] : c.at[i][v]);
    });
  });
}

struct Packed {
  using Tile = kernels::Tile;

  template <std::size_t kRows, std::size_t kVectors>
  static void run(const Tile& t) {
    run_tile<kRows, kVectors>(t, Step<1>{}, Step<static_cast<Index>(kRows)>{});
  }
};

struct FromRows {
  using Tile = kernels::Tile;

  template <std::size_t kRows, std::size_t kVectors>
  static void run(const Tile& t) {
    run_tile<kRows, kVectors>(t, Step<kTileColumns>{}, Step<1>{});
  }
};

struct FromWeight {
  using Tile = WeightTile;

  template <std::size_t kRows, std::size_t kVectors>
  static void run(const Tile& t) {
    constexpr Index kWidth = PanelLayout::kWidth;
    constexpr Index kColumns = static_cast<Index>(kVectors) * kLanes;
    Sums<kRows, kVectors> c{};
    const Real* a = t.a;
    const Real* b = t.b;
    Index left = t.depth;
    for (; left > kWidth; left -= kWidth) {
      multiply_add(c, kWidth, a, Step<kWidth>{}, Step<1>{}, b, kColumns);
      a += t.a_stride;
      b += kWidth * kColumns;
    }
    if (t.tail_width == kWidth) {
      multiply_add(c, left, t.tail, Step<kWidth>{}, Step<1>{}, b, kColumns);
    } else {
      multiply_add(c, left, t.tail, Step<PanelLayout::kStep>{}, Step<1>{}, b, kColumns);
    }
    store(c, t.out, kColumns);
  }
};

}  // namespace

void multiply_tile(const Tile& tile) { run_form<Packed>(tile); }

void multiply_rows_tile(const Tile& tile) { run_form<FromRows>(tile); }

void multiply_weight_tile(const WeightTile& tile) { run_form<FromWeight>(tile); }

}  // namespace lockstep::kernels
