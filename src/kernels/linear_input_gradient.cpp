#include <array>
#include <cassert>

#include "kernels/blocking.hpp"
#include "kernels/packing.hpp"
#include "lockstep/kernels/linear.hpp"

// dx^T = w dy^T: rows of w meet columns of dy^T, one for each sample, so that w needs no
// transposing. First all of dy^T is packed, for all threads, a tile's columns after the other; then
// each task takes some rows of w, collected from all panels, against some samples.

namespace lockstep::kernels {
namespace {

/// Some rows of a weight, panel after panel without gaps.
struct Collected {
  Range inputs;
  PanelLayout layout;
  const Real* data = nullptr;
  const Real* tail = nullptr;  ///< the last panel
};

Collected collect(const Weight& w, Range inputs, Real* to) {
  const PanelLayout& from = w.layout;
  const Real* tail = to;
  for (Index p = 0; p < from.panels(); ++p) {
    tail = to;
    to = std::copy_n(w.data + from.begin(p) + inputs.begin * from.width(p),
                     inputs.size() * from.width(p), to);
  }
  return {inputs, from, tail - (from.panels() - 1) * inputs.size() * PanelLayout::kWidth, tail};
}

/// dx(rows of one tile, the inputs of w).
void multiply_rows(const Collected& w, Range rows, const Real* packed, Matrix dx) {
  const Strips strips{w.inputs.begin, w.inputs.end};
  const Index tail_width = w.layout.width(w.layout.panels() - 1);
  std::array<Real, kTileRows * kTileColumns> transposed;
  for (Index s = 0; s < strips.count(); ++s) {
    const Index input = strips.first(s);
    const Index first = input - w.inputs.begin;
    const WeightTile tile{.rows = strips.rows(s),
                          .columns = tile_columns(rows.size()),
                          .depth = w.layout.columns,
                          .a = w.data + first * PanelLayout::kWidth,
                          .a_stride = w.inputs.size() * PanelLayout::kWidth,
                          .tail = w.tail + first * tail_width,
                          .tail_width = tail_width,
                          .b = packed,
                          .out = transposed.data()};
    multiply_weight_tile(tile);
    for (Index i = 0; i < rows.size(); ++i) {
      Real* out = dx.data + (rows.begin + i) * dx.columns + input;
      for (Index j = 0; j < tile.rows; ++j) out[j] = transposed.data()[j * tile.columns + i];
    }
  }
}

}  // namespace

void linear_input_gradient(ConstMatrix dy, const Weight& w, Matrix dx, std::span<Real> scratch) {
  const Index n = w.layout.columns;
  assert(dy.columns == n && dx.columns == w.layout.rows && dx.rows == dy.rows);
  const Index tiles = pieces_of(dy.rows, kTileColumns);
  const auto rows_of = [&](Index tile) {
    return Range{tile * kTileColumns, std::min((tile + 1) * kTileColumns, dy.rows)};
  };
  const auto shared = static_cast<std::size_t>(aligned<Real>(input_gradient_packed(dy.rows, n)));
  Real* const packed = scratch.data();
  parallel_for(tiles, [&](Index tile) {
    const Range rows = rows_of(tile);
    pack_transposed(dy.data + rows.begin * n, n, rows.size(), n, tile_columns(rows.size()),
                    packed + rows.begin * n);
  });

  const Cut cut = cut_for_threads(w.layout.rows, input_gradient_inputs(n), tiles);
  parallel_for(cut.tasks(), [&](Index task) {
    const Range mine = piece_of(tiles, task % cut.groups, cut.groups);
    Real* const own = scratch_of_thread(scratch.subspan(shared)).data();
    const Collected rows_of_w =
        collect(w, piece_of(w.layout.rows, task / cut.groups, cut.blocks), own);
    for (Index tile = mine.begin; tile < mine.end; ++tile) {
      multiply_rows(rows_of_w, rows_of(tile), packed + tile * kTileColumns * n, dx);
    }
  });
}

}  // namespace lockstep::kernels
