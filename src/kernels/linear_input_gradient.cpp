#include <algorithm>
#include <cassert>

#include "kernels/blocking.hpp"
#include "kernels/linear_scratch.hpp"
#include "kernels/packing.hpp"
#include "kernels/tile.hpp"
#include "kernels/vector.hpp"
#include "lockstep/kernels/linear.hpp"

// dx = dy w^T, a forward product whose weight is transposed on the way, once: a task transposes
// some inputs of w over part of the outputs, so that they lie in the second-level cache, and takes
// them against some strips of dy. Unless their rows are short, these are packed, when their turn
// comes or, if several tasks need them, before, for all threads.

namespace lockstep::kernels {
namespace {

/// The memory of one thread.
struct TransposedScratch {
  TransposedScratch(Scratch& s, const PanelLayout& w) {
    const Index inputs =
        std::min(input_gradient_inputs(w.columns), pieces_of(w.rows, kTileColumns) * kTileColumns);
    const Index depth = std::min(w.columns, blocking().depth_block);
    tiles = take_packed(s, inputs * depth);
    strip = take_packed(s, kTileRows * depth);
  }

  Real* tiles;  ///< of w^T
  Real* strip;  ///< of dy, packed
};

struct InputGradientScratch {
  InputGradientScratch(Scratch& s, Index rows, const PanelLayout& w, bool packs, int threads)
      : packed(s.take<Real>(packs ? input_gradient_packed(rows, w.columns) : 0).data()),
        own(s.take_for_threads(threads, Scratch::size_of<TransposedScratch>(w))) {}

  Real* packed;         ///< dy, for all threads
  std::span<Real> own;  ///< of each thread
};

/// dy, cut into strips, and where they are packed.
struct Rows {
  ConstMatrix dy;
  Strips strips;
  Real* packed = nullptr;
  Index short_row = blocking().short_row;

  /// Whether strips are multiplied where they lie.
  [[nodiscard]] bool in_place() const { return dy.columns <= short_row; }
  /// Strip s from the output `first` on, packed.
  [[nodiscard]] Real* at(Index s, Index first) const {
    return packed + strips.first(s) * dy.columns + s * kLanes + first * strips.rows(s);
  }
  void pack(Index s, Range outputs, Real* to) const {
    const Index rows = strips.rows(s);
    pack_transposed(dy.data + strips.first(s) * dy.columns + outputs.begin, dy.columns, rows,
                    outputs.size(), rows, to);
  }
  /// Strip s over some outputs, for a tile; packed in `own` if it must be and is not yet.
  [[nodiscard]] const Real* strip(Index s, Range outputs, Real* own) const {
    if (in_place()) return dy.data + strips.first(s) * dy.columns + outputs.begin;
    if (packed != nullptr) return at(s, outputs.begin);
    pack(s, outputs, own);
    return own;
  }
};

/// Part of the outputs of w: whole panels.
Range outputs_of_block(const PanelLayout& w, Index block, Index blocks) {
  const Range panels = piece_of(w.panels(), block, blocks);
  return {panels.begin * PanelLayout::kWidth,
          std::min(panels.end * PanelLayout::kWidth, w.columns)};
}

/// to[output * tile_columns(inputs) + input] = w(input, output) for some outputs and up to
/// kTileColumns inputs.
void transpose(const Weight& w, Range inputs, Range outputs, Real* to) {
  const Index width = tile_columns(inputs.size());
  for (Index output = outputs.begin; output < outputs.end; output += PanelLayout::kWidth) {
    const Index panel = output / PanelLayout::kWidth;
    pack_transposed(w.data + w.layout.at(inputs.begin, output), w.layout.width(panel),
                    inputs.size(), w.layout.used(panel), width,
                    to + (output - outputs.begin) * width);
  }
}

/// What one task is to do.
struct Part {
  Range inputs;
  Range strips;
};

/// dx(strips, inputs) (+)= dy w^T over some outputs.
void multiply(const Weight& w, const Part& part, Range outputs, const Rows& rows, Matrix dx,
              const TransposedScratch& own) {
  const Index depth = outputs.size();
  assert(depth <= blocking().depth_block);
  const Index tiles = pieces_of(part.inputs.size(), kTileColumns);
  const auto inputs_of = [&](Index tile) {
    const Index first = part.inputs.begin + tile * kTileColumns;
    return Range{first, std::min(first + kTileColumns, part.inputs.end)};
  };
  for (Index t = 0; t < tiles; ++t) {
    transpose(w, inputs_of(t), outputs, own.tiles + t * kTileColumns * depth);
  }
  for (Index s = part.strips.begin; s < part.strips.end; ++s) {
    const Real* const strip = rows.strip(s, outputs, own.strip);
    const Real* next =
        rows.packed != nullptr && s + 1 < part.strips.end ? rows.at(s + 1, outputs.begin) : nullptr;
    for (Index t = 0; t < tiles; ++t) {
      const Range columns = inputs_of(t);
      Real* out = dx.data + rows.strips.first(s) * dx.columns + columns.begin;
      if (next != nullptr) prefetch_piece(next, rows.strips.rows(s + 1) * depth, t, tiles);
      multiply_tile({.rows = rows.strips.rows(s),
                     .columns = tile_columns(columns.size()),
                     .depth = depth,
                     .a = strip,
                     .a_step = rows.in_place() ? rows.dy.columns : rows.strips.rows(s),
                     .a_in_rows = rows.in_place(),
                     .b = own.tiles + t * kTileColumns * depth,
                     .b_stride = tile_columns(columns.size()),
                     .start = outputs.begin > 0 ? out : nullptr,
                     .start_stride = dx.columns,
                     .out = out,
                     .out_stride = dx.columns},
                    columns.size());
    }
  }
}

}  // namespace

Index linear_input_gradient_scratch(Index rows, const PanelLayout& w, int threads) {
  return Scratch::size_of<InputGradientScratch>(rows, w, true, threads);
}

void linear_input_gradient(ConstMatrix dy, const Weight& w, Matrix dx, std::span<Real> scratch) {
  const Index n = w.layout.columns;
  const Index inputs = w.layout.rows;
  assert(dy.columns == n && dx.columns == inputs && dx.rows == dy.rows);
  const Index depth_blocks = std::max<Index>(pieces_of(n, blocking().depth_block), 1);
  const bool whole = inputs <= input_gradient_inputs(n) && depth_blocks == 1;
  Rows rows{dy, {0, dy.rows}};
  const Index strips = rows.strips.count();
  const bool packs = !whole && !rows.in_place();
  Scratch memory(scratch);
  const InputGradientScratch room(memory, dy.rows, w.layout, packs, thread_count());
  if (packs) {
    rows.packed = room.packed;
    parallel_for(strips, [&](Index s) {
      for (Index d = 0; d < depth_blocks; ++d) {
        const Range outputs = outputs_of_block(w.layout, d, depth_blocks);
        rows.pack(s, outputs, rows.at(s, outputs.begin));
      }
    });
  }

  Cut cut = cut_for_threads(inputs, input_gradient_inputs(n), strips);
  if (whole) cut = {1, std::min<Index>(thread_count(), std::max<Index>(strips, 1))};
  const Index tiles = pieces_of(inputs, kTileColumns);
  parallel_for(cut.tasks(), [&](Index task) {
    const Range mine = piece_of(tiles, task / cut.groups, cut.blocks);
    const Part part{
        .inputs = {mine.begin * kTileColumns, std::min(mine.end * kTileColumns, inputs)},
        .strips = piece_of(strips, task % cut.groups, cut.groups)};
    Scratch own(scratch_of_thread(room.own));
    const TransposedScratch transposed(own, w.layout);
    for (Index d = 0; d < depth_blocks; ++d) {
      multiply(w, part, outputs_of_block(w.layout, d, depth_blocks), rows, dx, transposed);
    }
  });
}

}  // namespace lockstep::kernels
