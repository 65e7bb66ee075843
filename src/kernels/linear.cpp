#include "lockstep/kernels/linear.hpp"

#include <algorithm>

#include "kernels/blocking.hpp"
#include "lockstep/base/ordered_sum.hpp"

namespace lockstep::kernels {

Index linear_scratch(Index rows, Index microbatches, const PanelLayout& w, int threads) {
  rows = std::max<Index>(rows, 1);
  const Index x_block = std::min(rows, kRowBlock) * std::min(w.rows, kDepthBlock);
  const Index w_rows =
      std::min(input_gradient_inputs(w.columns), pieces_of(w.rows, kTileColumns) * kTileColumns);
  const Index w_block = (w_rows + kTileRows) * std::min(w.columns, kDepthBlock);
  const Index inputs = std::min(weight_gradient_inputs(rows) + kTileRows, w.rows);
  // A task has all panels, or fewer, whose sums may then be taken together.
  const auto gradient = [&](Index task_inputs) {
    const WeightGradientPasses all{task_inputs, w.panels()};
    const Index columns = w.panels() * PanelLayout::kWidth;
    const Index together = std::min(task_inputs * columns, WeightGradientPasses::kMostTogether);
    return aligned<Real>(all.packed(rows)) +
           aligned<Real>(WeightGradientPasses::kMostRows * PanelLayout::kWidth) +
           OrderedSum::memory_for(microbatches,
                                  std::max(task_inputs * PanelLayout::kWidth, together)) +
           OrderedSum::memory_for(microbatches, columns);
  };
  const bool few = WeightGradientPasses{w.rows, w.panels()}.once();
  const Index x_columns = std::max(gradient(inputs), few ? gradient(w.rows) : 0);
  const Index shared =
      std::max(input_gradient_packed(rows, w.columns), rows * w.panels() * PanelLayout::kWidth);
  // Packing writes up to a vector more.
  const Index each = aligned<Real>(std::max({x_block, w_block, x_columns}) + kLanes);
  return aligned<Real>(shared) + threads * each;
}

std::string_view kernel_name() { return kTileName; }

}  // namespace lockstep::kernels
