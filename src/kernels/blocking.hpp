#pragma once

#include <algorithm>
#include <span>

#include "kernels/tile.hpp"
#include "lockstep/base/buffer.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/types.hpp"
#include "lockstep/kernels/panels.hpp"

// How the products of a layer are cut for caches and threads. No bit depends on any of it.

namespace lockstep::kernels {

/// Rows and depth of a packed block of x in a forward product: about 0.9 MB, for the second-level
/// cache. Deep blocks are better than tall ones: tiles are stored less often.
inline constexpr Index kRowBlock = 224;
inline constexpr Index kDepthBlock = 1024;

/// Rows of up to so many numbers are multiplied where they lie: a strip of them fits into the
/// first-level cache, and they do not compete for the same few places of it.
inline constexpr Index kShortRow = 2048 / static_cast<Index>(sizeof(Real));

/// Numbers of a packed block in both gradients.
inline constexpr Index kPackedBlock = kRowBlock * kDepthBlock;

/// Inputs of a weight that one task of an input gradient transposes.
[[nodiscard]] inline Index input_gradient_inputs(Index outputs) {
  const Index depth = std::clamp<Index>(outputs, 1, kDepthBlock);
  return std::max<Index>(kPackedBlock / depth / kTileColumns, 1) * kTileColumns;
}

/// Numbers of all of dy, packed: behind each strip there is room for what packing writes beyond it.
[[nodiscard]] inline Index input_gradient_packed(Index rows, Index outputs) {
  return aligned<Real>(rows * outputs + pieces_of(rows, kTileRows) * kLanes);
}

/// Sums of a weight gradient that one task has at a time, at most: for the second-level cache, too.
inline constexpr Index kSumsTogether = kPackedBlock / 2;

/// Inputs of x that one task of a weight gradient packs.
[[nodiscard]] inline Index weight_gradient_inputs(Index rows) {
  constexpr Index most = kSumsTogether / PanelLayout::kWidth / kTileRows;
  return std::clamp<Index>(kPackedBlock / std::max<Index>(rows, 1) / kTileRows, 1, most) *
         kTileRows;
}

/// How a task of a weight gradient goes through the rows of x and dy: a few at a time, for all its
/// panels together if they have at most kSumsTogether sums, or else panel by panel, with all of x
/// packed.
struct WeightGradientPasses {
  /// Rows at a time: of a panel, so many lie in the first-level cache.
  static constexpr Index kMostRows = 256;

  Index inputs = 0;  ///< of the task
  Index panels = 0;  ///< of the task

  [[nodiscard]] bool once() const { return inputs * panels * PanelLayout::kWidth <= kSumsTogether; }
  /// Rows at a time.
  [[nodiscard]] Index rows() const {
    return std::clamp<Index>(kPackedBlock / std::max<Index>(inputs, 1), 32, kMostRows);
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

/// The part of `scratch` that belongs to the calling thread of a parallel_for.
[[nodiscard]] inline std::span<Real> scratch_of_thread(std::span<Real> scratch) {
  constexpr Index step = aligned<Real>(1);
  const Index each = static_cast<Index>(scratch.size()) / thread_count() / step * step;
  return scratch.subspan(static_cast<std::size_t>(each * thread_number()),
                         static_cast<std::size_t>(each));
}

}  // namespace lockstep::kernels
