#include "lockstep/kernels/linear.hpp"

#include <algorithm>

#include "kernels/blocking.hpp"
#include "lockstep/base/ordered_sum.hpp"

namespace lockstep::kernels {

Index linear_scratch(Index rows, Index microbatches, const PanelLayout& w, int threads) {
  const Blocking sizes = blocking();
  rows = std::max<Index>(rows, 1);
  const Index x_block = std::min(rows, sizes.row_block) * std::min(w.rows, sizes.depth_block);
  const Index w_rows =
      std::min(input_gradient_inputs(w.columns), pieces_of(w.rows, kTileColumns) * kTileColumns);
  const Index w_block = (w_rows + kTileRows) * std::min(w.columns, sizes.depth_block);
  const Index columns = w.panels() * PanelLayout::kWidth;
  // Bounds that hold for fewer rows and for tasks with fewer panels, too.
  const Index gradient =
      aligned<Real>(std::min(rows * w.rows, std::max(sizes.packed_block, rows * kTileRows))) +
      aligned<Real>(sizes.gradient_rows * PanelLayout::kWidth) +
      OrderedSum::memory_for(microbatches, std::min(w.rows * columns, sizes.sums_together)) +
      OrderedSum::memory_for(microbatches, kTileRows * kTileColumns) +
      OrderedSum::memory_for(microbatches, columns);
  const Index shared =
      std::max(input_gradient_packed(rows, w.columns), rows * w.panels() * PanelLayout::kWidth);
  // Packing writes up to a vector more.
  const Index each = aligned<Real>(std::max({x_block, w_block, gradient}) + kLanes);
  return aligned<Real>(shared) + threads * each;
}

std::string_view kernel_name() { return kTileName; }

}  // namespace lockstep::kernels
