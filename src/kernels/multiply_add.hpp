#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <utility>

#include "kernels/tile.hpp"
#include "kernels/vector.hpp"

// The inner loop of every product. Files that include this are compiled with -ffp-contract=fast:
// `sum += a * b` becomes one fused multiply-add where the processor has it, and there is no other
// way to fuse it.

namespace lockstep::kernels {

/// A tile of sums, held in registers.
template <std::size_t kRows, std::size_t kVectors>
struct Sums {
  Vector at[kRows][kVectors];
};

template <std::size_t kRows, std::size_t kVectors>
[[gnu::always_inline]] inline void load(Sums<kRows, kVectors>& c, const Real* from, Index stride) {
  unrolled<kRows>([&](auto i) {
    unrolled<kVectors>([&](auto v) {
      c.at[i][v] = load(from + static_cast<Index>(i) * stride + static_cast<Index>(v) * kLanes);
    });
  });
}

template <std::size_t kRows, std::size_t kVectors>
[[gnu::always_inline]] inline void store(const Sums<kRows, kVectors>& c, Real* to, Index stride) {
  unrolled<kRows>([&](auto i) {
    unrolled<kVectors>([&](auto v) {
      store(to + static_cast<Index>(i) * stride + static_cast<Index>(v) * kLanes, c.at[i][v]);
    });
  });
}

/// A distance between numbers of a that is known when the program is compiled.
template <Index kStep>
struct Step {
  constexpr operator Index() const { return kStep; }
};

/// c(i, j) += sum over p in [0, depth) of a[i * row_step + p * depth_step] * b[p * b_stride + j],
/// one multiply-add after the other in the order of p. Each step is an Index or a Step.
template <std::size_t kRows, std::size_t kVectors, typename RowStep, typename DepthStep>
[[gnu::always_inline]] inline void multiply_add(Sums<kRows, kVectors>& c, Index depth,
                                                const Real* a, RowStep row_step,
                                                DepthStep depth_step, const Real* b,
                                                Index b_stride) {
  for (Index p = 0; p < depth; ++p) {
    Vector row[kVectors];
    unrolled<kVectors>([&](auto v) { row[v] = load(b + static_cast<Index>(v) * kLanes); });
    unrolled<kRows>([&](auto i) {
      const Real factor = a[static_cast<Index>(i) * row_step];
      unrolled<kVectors>([&](auto v) { c.at[i][v] += factor * row[v]; });
    });
    a += depth_step;
    b += b_stride;
  }
}

/// Runs the form of a kernel for a tile of 1 to kTileRows rows and one or two vectors. A kernel has
///
///     using Tile = ...;                                 // with members rows and columns
///     template <std::size_t kRows, std::size_t kVectors>
///     static void run(const Tile& tile);
template <typename Kernel>
void run_form(const typename Kernel::Tile& tile) {
  using Form = void (*)(const typename Kernel::Tile&);
  static constexpr auto kForms = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<std::array<Form, 2>, kTileRows>{
        {{{&Kernel::template run<i + 1, 1>, &Kernel::template run<i + 1, 2>}}...}};
  }
  (std::make_index_sequence<kTileRows>{});
  assert(1 <= tile.rows && tile.rows <= kTileRows);
  assert(tile.columns == kLanes || tile.columns == kTileColumns);
  kForms[static_cast<std::size_t>(tile.rows - 1)][tile.columns == kTileColumns ? 1 : 0](tile);
}

}  // namespace lockstep::kernels
