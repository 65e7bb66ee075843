#include <algorithm>
#include <cassert>

#include "kernels/bias_gradient.hpp"
#include "kernels/blocking.hpp"
#include "kernels/packing.hpp"
#include "kernels/tile.hpp"
#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/kernels/linear.hpp"

// dw = sum over microbatches of x_m^T dy_m. First all of dy is packed in panels, for all threads;
// then each task packs some inputs of x for its thread alone, and takes them against some panels:
// a tile of dw meets one microbatch after the other, and their sums are merged where they lie.

namespace lockstep::kernels {
namespace {

constexpr Index kWidth = PanelLayout::kWidth;

struct Operands {
  RowBlocks rows;
  ConstMatrix x;
  PanelLayout layout;  ///< of the weight
  std::span<Real> dy;  ///< packed: panel p begins at p * kWidth * rows of x
};

/// Some rows of all panels.
void pack_panels(ConstMatrix dy, const PanelLayout& layout, Range rows, Real* to) {
  for (Index p = 0; p < layout.panels(); ++p) {
    pack_rows(dy.data + rows.begin * dy.columns + p * kWidth, dy.columns, rows.size(),
              layout.used(p), layout.width(p),
              to + p * kWidth * dy.rows + rows.begin * layout.width(p));
  }
}

/// The sum of one tile over the leaves, to `out`.
void sum_tile(Tile tile, const RowBlocks& leaves, std::span<Real> stack) {
  Real* const out = tile.out;
  const Index out_stride = tile.out_stride;
  const Real* const a = tile.a;
  const Real* const b = tile.b;
  const Index first = leaves[0].first;
  const auto multiply = [&](const RowBlock& leaf) {
    tile.depth = leaf.count;
    tile.a = a + (leaf.first - first) * tile.rows;
    tile.b = b + leaf.first * tile.b_stride;
    multiply_tile(tile);
  };
  if (leaves.size() == 1) return multiply(leaves[0]);

  OrderedSum sum(stack, tile.rows * tile.columns);
  tile.out_stride = tile.columns;
  for (Index i = 0; i < leaves.size(); ++i) {
    const RowBlock leaf = leaves[i];
    const std::span<Real> pair = sum.partner({leaf.index, 1});
    tile.add = !pair.empty();
    tile.out = tile.add ? pair.data() : sum.next().data();
    multiply(leaf);
    if (tile.add) {
      sum.merged({leaf.index, 1});
    } else {
      sum.push({leaf.index, 1});
    }
  }
  const std::span<const Real> total = sum.finish();
  for (Index i = 0; i < tile.rows; ++i) {
    std::copy_n(total.data() + i * tile.columns, tile.columns, out + i * out_stride);
  }
}

/// dw(inputs, panels) of one block of microbatches.
void multiply_inputs(const Operands& o, const LinearGradient& gradient, Range inputs, Range panels,
                     std::span<Real> scratch) {
  const RowBlocks leaves = rows_of(o.rows, gradient.block);
  const RowBlock last = leaves[leaves.size() - 1];
  const Index first = leaves[0].first;
  const Index rows = last.first + last.count - first;
  const Strips strips{inputs.begin, inputs.end};
  const auto packed = scratch.first(static_cast<std::size_t>(aligned<Real>(rows * inputs.size())));
  const auto stack = scratch.subspan(packed.size());
  pack_strips(o.x.data + first * o.x.columns, o.x.columns, rows, strips, packed.data());
  for (Index p = panels.begin; p < panels.end; ++p) {
    const Index width = o.layout.width(p);
    for (Index column = 0; column < width; column += kTileColumns) {
      for (Index s = 0; s < strips.count(); ++s) {
        const Index input = strips.first(s);
        sum_tile({.rows = strips.rows(s),
                  .columns = std::min(kTileColumns, width - column),
                  .a = packed.data() + (input - inputs.begin) * rows,
                  .b = o.dy.data() + p * kWidth * o.x.rows + column,
                  .b_stride = width,
                  .out = gradient.dw + o.layout.begin(p) + input * width + column,
                  .out_stride = width},
                 leaves, stack);
      }
    }
  }
}

}  // namespace

void linear_weight_gradient(const RowBlocks& rows, ConstMatrix x, ConstMatrix dy,
                            std::span<const LinearGradient> gradients, std::span<Real> scratch) {
  const PanelLayout layout{x.columns, dy.columns};
  assert(x.rows == dy.rows);
  const Index panels = layout.panels();
  const auto shared = static_cast<std::size_t>(aligned<Real>(x.rows * panels * kWidth));
  const Operands operands{rows, x, layout, scratch.first(shared)};
  parallel_for(pieces_of(x.rows, kNearRows), [&](Index i) {
    pack_panels(dy, layout, {i * kNearRows, std::min((i + 1) * kNearRows, x.rows)},
                operands.dy.data());
  });

  const Cut cut = cut_for_threads(x.columns, weight_gradient_inputs(x.rows), panels);
  parallel_for(static_cast<Index>(gradients.size()) * cut.tasks(), [&](Index i) {
    const LinearGradient& gradient = gradients[static_cast<std::size_t>(i / cut.tasks())];
    const Index block = i % cut.tasks() / cut.groups;
    const Range mine = piece_of(panels, i % cut.groups, cut.groups);
    const auto own = scratch_of_thread(scratch.subspan(shared));
    const Strips strips{0, x.columns};
    const Range part = piece_of(strips.count(), block, cut.blocks);
    multiply_inputs(operands, gradient, {strips.first(part.begin), strips.first(part.end)}, mine,
                    own);
    if (block > 0 || gradient.dbias.empty()) return;
    for (Index p = mine.begin; p < mine.end; ++p) {
      sum_bias(rows_of(rows, gradient.block), operands.dy.data() + p * kWidth * x.rows,
               layout.width(p),
               gradient.dbias.subspan(static_cast<std::size_t>(p * kWidth),
                                      static_cast<std::size_t>(layout.used(p))),
               own);
    }
  });
}

}  // namespace lockstep::kernels
