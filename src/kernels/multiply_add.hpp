#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <utility>

#include "kernels/tile.hpp"
#include "kernels/vector.hpp"

// The inner loop of every product.

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

/// c(i, j) += a[i * row_step] * b[j]. The step is an Index or a Step.
template <std::size_t kRows, std::size_t kVectors, typename RowStep>
[[gnu::always_inline]] inline void multiply_add(Sums<kRows, kVectors>& c, const Real* a,
                                                RowStep row_step, const Real* b) {
  Vector row[kVectors];
  unrolled<kVectors>([&](auto v) { row[v] = load(b + static_cast<Index>(v) * kLanes); });
  unrolled<kRows>([&](auto i) {
    const Vector factor = broadcast(a[static_cast<Index>(i) * row_step]);
    unrolled<kVectors>(
        [&](auto v) { c.at[i][v] = fused_multiply_add(factor, row[v], c.at[i][v]); });
  });
}

/// c(i, j) += sum over p in [0, depth) of a[i * row_step + p * depth_step] * b[p * b_stride + j],
/// one multiply-add after the other in the order of p.
template <std::size_t kRows, std::size_t kVectors, typename RowStep, typename DepthStep>
[[gnu::always_inline]] inline void multiply_add(Sums<kRows, kVectors>& c, Index depth,
                                                const Real* a, RowStep row_step,
                                                DepthStep depth_step, const Real* b,
                                                Index b_stride) {
  for (Index p = 0; p < depth; ++p) {
    multiply_add(c, a, row_step, b);
    a += depth_step;
    b += b_stride;
  }
}

/// The same, row by row at the end: done(i) is called as soon as the sums of row i are complete.
/// What it does with them, a store as a rule, then goes on beside the products of the next rows; a
/// burst of stores behind the last product holds up those that follow.
template <std::size_t kRows, std::size_t kVectors, typename RowStep, typename DepthStep,
          typename Done>
[[gnu::always_inline]] inline void multiply_add(Sums<kRows, kVectors>& c, Index depth,
                                                const Real* a, RowStep row_step,
                                                DepthStep depth_step, const Real* b, Index b_stride,
                                                const Done& done) {
  constexpr std::size_t kLast = 2;
  if (depth < static_cast<Index>(kLast)) {
    multiply_add(c, depth, a, row_step, depth_step, b, b_stride);
    return unrolled<kRows>(done);
  }
  const Index before = depth - static_cast<Index>(kLast);
  multiply_add(c, before, a, row_step, depth_step, b, b_stride);
  a += before * depth_step;
  b += before * b_stride;
  unrolled<kRows>([&](auto i) {
    unrolled<kLast>([&](auto p) {
      const Real* const row = b + static_cast<Index>(p) * b_stride;
      const Vector factor =
          broadcast(a[static_cast<Index>(i) * row_step + static_cast<Index>(p) * depth_step]);
      unrolled<kVectors>([&](auto v) {
        c.at[i][v] =
            fused_multiply_add(factor, load(row + static_cast<Index>(v) * kLanes), c.at[i][v]);
      });
    });
    done(i);
  });
}

/// A walk through numbers that lie in lines of `inner`, of which `middle` make a sheet.
struct Walk {
  Index outer = 0;  ///< sheets
  Index middle = 0;
  Index inner = 0;
  Index outer_step = 0;  ///< from sheet to sheet
  Index middle_step = 0;
};

/// The same over all numbers of a walk. One loop, with steps aside where a line ends: around nested
/// loops compilers do not keep the sums in registers.
template <std::size_t kRows, std::size_t kVectors, typename RowStep, typename InnerStep>
[[gnu::always_inline]] inline void multiply_add(Sums<kRows, kVectors>& sums, const Walk& walk,
                                                const Real* a, RowStep row_step,
                                                InnerStep inner_step, const Real* b,
                                                Index b_stride) {
  Sums<kRows, kVectors> c = sums;  // reached through a reference, they would stay in memory
  const Index line_end = walk.middle_step - walk.inner * inner_step;
  const Index sheet_end = walk.outer_step - walk.middle * walk.middle_step;
  Index left = walk.inner;
  Index lines_left = walk.middle;
  for (Index p = walk.outer * walk.middle * walk.inner; p > 0; --p) {
    multiply_add(c, a, row_step, b);
    a += inner_step;
    b += b_stride;
    if (--left == 0) [[unlikely]] {
      left = walk.inner;
      a += line_end;
      if (--lines_left == 0) {
        lines_left = walk.middle;
        a += sheet_end;
      }
    }
  }
  sums = c;
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
