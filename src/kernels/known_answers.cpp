#include "lockstep/kernels/known_answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <span>
#include <string_view>

#include "kernels/conv_tile.hpp"
#include "kernels/tile.hpp"
#include "kernels/tree_tile.hpp"
#include "lockstep/base/random.hpp"

namespace lockstep::kernels {
namespace {

constexpr Index kDepth = 9;
constexpr std::size_t kResults = static_cast<std::size_t>(kTileRows * kTileColumns);
constexpr std::size_t kFactorsA = static_cast<std::size_t>(kTileRows * kDepth);
constexpr std::size_t kFactorsB = static_cast<std::size_t>(kTileColumns * kDepth);

/// Numbers with all their bits, and products that are not exact.
struct Numbers {
  std::array<Real, kFactorsA> a;
  std::array<Real, kFactorsB> b;
  std::array<Real, kResults> start;

  Numbers() {
    fill(a, 1);
    fill(b, 2);
    fill(start, 3);
  }

  static void fill(std::span<Real> numbers, std::uint64_t seed) {
    std::uint64_t element = 0;
    for (Real& x : numbers) {
      x = static_cast<Real>(random_uniform({.seed = seed}, element++) - 0.5);
    }
  }
};

/// Four microbatches that share the depth.
constexpr std::array<Microbatch, 4> kLeaves{{{.index = 0, .first_row = 0, .rows = 2},
                                             {.index = 1, .first_row = 2, .rows = 3},
                                             {.index = 2, .first_row = 5, .rows = 1},
                                             {.index = 3, .first_row = 6, .rows = 3}}};
static_assert(kLeaves.back().first_row + kLeaves.back().rows == kDepth);

/// A form of the inner loop. Element (i, p) of a is a[i * row_step + p * depth_step]; results start
/// with start[i * start_step + j], or zero if that is negative.
struct Form {
  std::string_view name;
  Index row_step;
  Index depth_step;
  Index start_step;
  bool tree;  ///< sums of kLeaves, added up
  void (*run)(const Tile& tile, const Numbers& in);
};

constexpr std::array<Form, 6> kForms{{
    {"product, a in columns", 1, kTileRows, -1, false,
     [](const Tile& tile, const Numbers&) { multiply_tile(tile); }},
    {"product, a in rows", kDepth, 1, -1, false,
     [](const Tile& tile, const Numbers&) {
       Tile rows = tile;
       rows.a_in_rows = true;
       multiply_tile(rows);
     }},
    {"product that goes on", 1, kTileRows, kTileColumns, false,
     [](const Tile& tile, const Numbers& in) {
       Tile more = tile;
       more.start = in.start.data();
       more.start_stride = kTileColumns;
       multiply_tile(more);
     }},
    {"convolution", kDepth, 1, 0, false,
     [](const Tile& tile, const Numbers& in) {
       constexpr Index kLine = kDepth / 3;  // of three lines of a window
       multiply_conv_tile({.rows = tile.rows,
                           .columns = tile.columns,
                           .lines = 3,
                           .places = 1,
                           .depth = kLine,
                           .a = tile.a,
                           .a_step = kDepth,
                           .a_line = kLine,
                           .b = tile.b,
                           .b_stride = tile.b_stride,
                           .start = in.start.data(),
                           .out = tile.out,
                           .out_stride = tile.out_stride});
     }},
    {"gradient of a convolution", 1, kTileRows, -1, false,
     [](const Tile& tile, const Numbers&) {
       constexpr Index kLine = kDepth / 3;  // positions, in three lines
       multiply_conv_gradient_tile({.rows = tile.rows,
                                    .columns = tile.columns,
                                    .samples = 1,
                                    .lines = 3,
                                    .depth = kLine,
                                    .a = tile.a,
                                    .a_line = kLine * kTileRows,
                                    .a_step = kTileRows,
                                    .b = tile.b,
                                    .b_stride = tile.b_stride,
                                    .sums = tile.out});
     }},
    {"sums of microbatches", 1, kTileRows, -1, true,
     [](const Tile& tile, const Numbers&) {
       std::array<Real, 4 * kResults> stack;
       multiply_tree(tile, {.microbatches = kLeaves, .positions = 1}, stack.data());
     }},
}};

Real chain(const Form& form, const Numbers& in, Index i, Index j, Range depth) {
  Real sum =
      form.start_step < 0 ? Real{0} : in.start[static_cast<std::size_t>(i * form.start_step + j)];
  for (Index p = depth.begin; p < depth.end; ++p) {
    sum = std::fma(in.a[static_cast<std::size_t>(i * form.row_step + p * form.depth_step)],
                   in.b[static_cast<std::size_t>(p * kTileColumns + j)], sum);
  }
  return sum;
}

Real right_result(const Form& form, const Numbers& in, Index i, Index j) {
  if (!form.tree) return chain(form, in, i, j, {0, kDepth});
  const auto leaf = [&](std::size_t l) {
    return chain(form, in, i, j, {kLeaves[l].first_row, kLeaves[l].first_row + kLeaves[l].rows});
  };
  return (leaf(0) + leaf(1)) + (leaf(2) + leaf(3));
}

bool is_right(const Form& form, const Numbers& in, Index rows, Index columns) {
  std::array<Real, kResults> found{};
  form.run({.rows = rows,
            .columns = columns,
            .depth = kDepth,
            .a = in.a.data(),
            .a_step = std::max(form.row_step, form.depth_step),
            .b = in.b.data(),
            .b_stride = kTileColumns,
            .out = found.data(),
            .out_stride = columns},
           in);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; ++j) {
      const Real right = right_result(form, in, i, j);
      if (std::memcmp(&found[static_cast<std::size_t>(i * columns + j)], &right, sizeof right) != 0)
        return false;
    }
  }
  return true;
}

}  // namespace

std::string check_known_answers() {
  const Numbers in;
  for (const Form& form : kForms) {
    for (Index rows = 1; rows <= kTileRows; ++rows) {
      for (const Index columns : {kLanes, kTileColumns}) {
        if (is_right(form, in, rows, columns)) continue;
        return fmt::format("{}: {} x {} results in registers are not fused multiply-adds",
                           form.name, rows, columns);
      }
    }
  }
  return "";
}

}  // namespace lockstep::kernels
