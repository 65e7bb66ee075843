#include "lockstep/kernels/linear.hpp"

#include <algorithm>

#include "kernels/linear_scratch.hpp"
#include "kernels/tile.hpp"

namespace lockstep::kernels {

Index linear_scratch(Index rows, Index microbatches, const PanelLayout& w, int threads) {
  rows = std::max<Index>(rows, 1);
  return std::max({linear_forward_scratch(rows, w, threads),
                   linear_input_gradient_scratch(rows, w, threads),
                   linear_weight_gradient_scratch(rows, microbatches, w, threads)});
}

std::string_view kernel_name() { return kTileName; }

}  // namespace lockstep::kernels
