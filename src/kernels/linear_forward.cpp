#include <array>
#include <cassert>

#include "kernels/blocking.hpp"
#include "kernels/linear_scratch.hpp"
#include "kernels/packing.hpp"
#include "kernels/tile.hpp"
#include "kernels/vector.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/kernels/linear.hpp"

// Names: m rows, k inputs, n outputs. A block of x lies in the
// second-level cache and meets every panel of w. Unless its rows are short, it is packed.

namespace lockstep::kernels {
namespace {

using Panel = std::array<Real, PanelLayout::kWidth>;

/// The memory of one thread.
struct LinearForwardScratch {
  LinearForwardScratch(Scratch& s, Index rows, const PanelLayout& w) {
    const Blocking sizes = blocking();
    x = take_packed(s, std::min(rows, sizes.row_block) * std::min(w.rows, sizes.depth_block));
  }

  Real* x;  ///< a block, packed
};

/// One block of rows against some panels, over part of the depth.
struct Block {
  Strips strips;
  Range depth;
  const Real* x = nullptr;
  bool packed = false;
};

/// y(rows, panel p) (+)= x w over the depth of the block.
void multiply_panel(const Block& block, const Weight& w, Index p, const Panel& bias, Matrix y) {
  const Index width = w.layout.width(p);
  const Index used = w.layout.used(p);
  const Real* b = w.data + w.layout.begin(p) + block.depth.begin * width;
  // A panel comes from memory, and its first strip would have to wait for it.
  const Real* next = p + 1 < w.layout.panels() ? w.data + w.layout.begin(p + 1) +
                                                     block.depth.begin * w.layout.width(p + 1)
                                               : nullptr;
  const bool first = block.depth.begin == 0;
  for (Index column = 0; column < used; column += kTileColumns) {
    const Index columns = std::min(kTileColumns, width - column);
    const Index kept = std::min(columns, used - column);
    for (Index s = 0; s < block.strips.count(); ++s) {
      const Index row = block.strips.first(s);
      Real* out = y.data + row * y.columns + p * PanelLayout::kWidth + column;
      if (next != nullptr && column == 0) {
        prefetch_piece(next, block.depth.size() * w.layout.width(p + 1), s, block.strips.count());
      }
      multiply_tile({.rows = block.strips.rows(s),
                     .columns = columns,
                     .depth = block.depth.size(),
                     .a = block.x + (row - block.strips.begin) * block.depth.size(),
                     .a_step = block.packed ? block.strips.rows(s) : block.depth.size(),
                     .a_in_rows = !block.packed,
                     .b = b + column,
                     .b_stride = width,
                     .start = first ? bias.data() + column : out,
                     .start_stride = first ? 0 : y.columns,
                     .out = out,
                     .out_stride = y.columns},
                    kept);
    }
  }
}

}  // namespace

Index linear_forward_scratch(Index rows, const PanelLayout& w, int threads) {
  return threads * Scratch::size_of<LinearForwardScratch>(rows, w);
}

void linear_forward(ConstMatrix x, const Weight& w, std::span<const Real> bias, Matrix y,
                    std::span<Real> scratch) {
  const Index k = w.layout.rows;
  assert(x.columns == k && y.columns == w.layout.columns && x.rows == y.rows);
  const Blocking sizes = blocking();
  const Index depth_blocks = std::max<Index>(pieces_of(k, sizes.depth_block), 1);
  const bool packs = k > sizes.short_row;
  const Cut cut = cut_for_threads(x.rows, sizes.row_block, w.layout.panels());

  parallel_for(cut.tasks(), [&](Index task) {
    const Range rows = piece_of(x.rows, task / cut.groups, cut.blocks);
    const Range panels = piece_of(w.layout.panels(), task % cut.groups, cut.groups);
    Scratch own(scratch_of_thread(scratch));
    const LinearForwardScratch room(own, x.rows, w.layout);
    for (Index d = 0; d < depth_blocks; ++d) {
      const Block block{.strips = {rows.begin, rows.end},
                        .depth = piece_of(k, d, depth_blocks),
                        .x = packs ? room.x : x.data + rows.begin * k,
                        .packed = packs};
      const Index depth = block.depth.size();
      for (Index s = 0; packs && s < block.strips.count(); ++s) {
        const Index row = block.strips.first(s);
        pack_transposed(x.data + row * k + block.depth.begin, k, block.strips.rows(s), depth,
                        block.strips.rows(s), room.x + (row - rows.begin) * depth);
      }
      for (Index p = panels.begin; p < panels.end; ++p) {
        Panel start{};
        if (!bias.empty()) {
          std::copy_n(bias.data() + p * PanelLayout::kWidth, w.layout.used(p), start.data());
        }
        multiply_panel(block, w, p, start, y);
      }
    }
  });
}

}  // namespace lockstep::kernels
