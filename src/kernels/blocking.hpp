#pragma once

#include <algorithm>

#include "kernels/tile.hpp"
#include "lockstep/base/buffer.hpp"
#include "lockstep/base/caches.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/scratch.hpp"
#include "lockstep/base/types.hpp"
#include "lockstep/kernels/panels.hpp"

// How the products of a layer are cut for caches and threads. No bit depends on any of it.

namespace lockstep::kernels {

/// Sizes of blocks, in numbers unless it says otherwise: shares of the first-level cache and of the
/// second-level one, or where that is small of a core's share of the third. Found by measurement
/// where these have 48 KiB and 2 MiB, and 32 KiB, 512 KiB and plenty.
struct Blocking {
  explicit Blocking(const Caches& caches);

  /// Rows and depth of a packed block of x in a forward product. Deep blocks are better than tall
  /// ones: tiles are stored less often.
  Index row_block = 0;
  Index depth_block = 0;
  /// Of a packed block in both gradients.
  Index packed_block = 0;
  /// Sums of a weight gradient that one task has at a time, at most.
  Index sums_together = 0;
  /// Rows of up to so many numbers are multiplied where they lie: a strip of them fits into the
  /// first-level cache, and they do not compete for the same few places of it.
  Index short_row = 0;
  /// Rows of a weight gradient at a time: of a panel, so many lie in the first-level cache.
  Index gradient_rows = 0;
  /// Of a frame that one task of a convolution fills at a time.
  Index conv_band = 0;
  /// Of the tiles of a convolution's weight gradient that one task sums at a time.
  Index conv_sums = 0;
  /// Of images and of dy that these tiles meet in turn.
  Index conv_images = 0;
  /// Of transformed inputs and outputs that one task handles at a time, if that is not too few
  /// tiles for the weights, which it reads once: they lie in the second-level cache beside them.
  Index winograd_tiles = 0;
  /// Of transformed images that each thread contributes to a weight gradient at a time, if that is
  /// not too few tiles.
  Index winograd_images = 0;
};

/// For caches(), as they are now.
[[nodiscard]] Blocking blocking();

/// Inputs of a weight that one task of an input gradient transposes.
[[nodiscard]] inline Index input_gradient_inputs(Index outputs) {
  const Blocking b = blocking();
  const Index depth = std::clamp<Index>(outputs, 1, b.depth_block);
  return std::max<Index>(b.packed_block / depth / kTileColumns, 1) * kTileColumns;
}

/// Numbers of all of dy, packed: behind each strip there is room for what packing writes beyond it.
[[nodiscard]] inline Index input_gradient_packed(Index rows, Index outputs) {
  return aligned<Real>(rows * outputs + pieces_of(rows, kTileRows) * kLanes);
}

/// Inputs of x that one task of a weight gradient packs.
[[nodiscard]] inline Index weight_gradient_inputs(Index rows) {
  const Blocking b = blocking();
  const Index most = std::max<Index>(b.sums_together / PanelLayout::kWidth / kTileRows, 1);
  return std::clamp<Index>(b.packed_block / std::max<Index>(rows, 1) / kTileRows, 1, most) *
         kTileRows;
}

/// How a task of a weight gradient goes through the rows of x and dy: a few at a time, for all its
/// panels together if they have few enough sums, or else panel by panel, with all of x
/// packed.
struct WeightGradientPasses {
  Index inputs = 0;  ///< of the task
  Index panels = 0;  ///< of the task
  Blocking sizes = blocking();

  [[nodiscard]] bool once() const {
    return inputs * panels * PanelLayout::kWidth <= sizes.sums_together;
  }
  /// Rows at a time.
  [[nodiscard]] Index rows() const {
    constexpr Index kFew = 32;
    return std::clamp<Index>(sizes.packed_block / std::max<Index>(inputs, 1), kFew,
                             sizes.gradient_rows);
  }
  [[nodiscard]] Index panels_together() const { return once() ? panels : 1; }
  [[nodiscard]] Index columns() const { return panels_together() * PanelLayout::kWidth; }
  /// Numbers of `count` rows of x that are packed at the same time.
  [[nodiscard]] Index packed(Index count) const {
    return (once() ? std::min(count, rows()) : count) * inputs;
  }
};

/// How a product is cut into tasks for the threads: each of `blocks` blocks, which are packed by
/// the task that takes them, is met by `groups` groups of panels.
struct Cut {
  Index blocks = 0;
  Index groups = 0;
  [[nodiscard]] Index tasks() const { return blocks * groups; }
};

/// For blocks of at most `most` of `count` rows or inputs. All threads shall have work and end at
/// about the same time; smaller blocks serve that better than groups, for which a block is packed
/// again and again.
[[nodiscard]] inline Cut cut_for_threads(Index count, Index most, Index panels) {
  constexpr Index kTasksPerThread = 4;
  constexpr Index kLeast = 4 * kTileRows;  // smaller ones wait for the panels
  const Index threads = thread_count();
  const Index blocks = pieces_of(count, most);
  if (threads == 1 || blocks == 0) return {blocks, 1};
  const Index tasks = kTasksPerThread * threads;
  const Index finer = std::max(blocks, std::min(tasks, pieces_of(count, kLeast)));
  return {finer, std::clamp<Index>(pieces_of(tasks, finer), 1, std::max<Index>(panels, 1))};
}

}  // namespace lockstep::kernels
