#include "kernels/tile.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "kernels/multiply_add.hpp"
#include "kernels/packing.hpp"

namespace lockstep::kernels {
namespace {

template <std::size_t kRows, std::size_t kVectors, typename RowStep, typename DepthStep>
[[gnu::always_inline]] inline void run_tile(const Tile& t, RowStep row_step, DepthStep depth_step) {
  Sums<kRows, kVectors> c{};
  if (t.start != nullptr) load(c, t.start, t.start_stride);
  multiply_add(
      c, t.depth, t.a, row_step, depth_step, t.b,
      t.b_stride, [&](auto i) __attribute__((always_inline)) {
        Real* out = t.out + static_cast<Index>(i) * t.out_stride;
        unrolled<kVectors>([&](auto v) {
          Real* place = out + static_cast<Index>(v) * kLanes;
          store(place, t.add ? load(place) + c.at[i][v] : c.at[i][v]);
        });
      });
}

struct InColumns {
  using Tile = kernels::Tile;

  template <std::size_t kRows, std::size_t kVectors>
  static void run(const Tile& t) {
    run_tile<kRows, kVectors>(t, Step<1>{}, t.a_step);
  }
};

struct InRows {
  using Tile = kernels::Tile;

  template <std::size_t kRows, std::size_t kVectors>
  static void run(const Tile& t) {
    run_tile<kRows, kVectors>(t, t.a_step, Step<1>{});
  }
};

}  // namespace

void multiply_tile(const Tile& tile) {
  if (tile.a_in_rows) return run_form<InRows>(tile);
  run_form<InColumns>(tile);
}

void multiply_tile(const Tile& tile, Index kept) {
  if (kept == tile.columns) return multiply_tile(tile);
  std::array<Real, kTileRows * kTileColumns> numbers;
  Tile whole = tile;
  whole.out = numbers.data();
  whole.out_stride = tile.columns;
  if (tile.start != nullptr && tile.start_stride != 0) {
    pack_rows(tile.start, tile.start_stride, tile.rows, kept, tile.columns, numbers.data());
    whole.start = numbers.data();
    whole.start_stride = tile.columns;
  }
  multiply_tile(whole);
  for (Index i = 0; i < tile.rows; ++i) {
    std::copy_n(numbers.data() + i * tile.columns, kept, tile.out + i * tile.out_stride);
  }
}

}  // namespace lockstep::kernels
