#pragma once

#include "lockstep/kernels/panels.hpp"

// Numbers of scratch that each product of linear.hpp needs.

namespace lockstep::kernels {

[[nodiscard]] Index linear_forward_scratch(Index rows, const PanelLayout& w, int threads);
[[nodiscard]] Index linear_input_gradient_scratch(Index rows, const PanelLayout& w, int threads);
[[nodiscard]] Index linear_weight_gradient_scratch(Index rows, Index microbatches,
                                                   const PanelLayout& w, int threads);

}  // namespace lockstep::kernels
