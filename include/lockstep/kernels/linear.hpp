#pragma once

#include <span>
#include <string_view>

#include "lockstep/base/microbatches.hpp"
#include "lockstep/kernels/panels.hpp"

/// The three matrix products of a fully connected layer.
///
/// Every element of a result is one chain of multiply-adds, fused where the processor has them, in
/// the order of the index that is summed over. So its bits are a function of the operands alone:
/// neither tiles nor threads nor the width of the vectors change them. Only sums over samples, in
/// the weight gradient, follow the tree over microbatches.
namespace lockstep::kernels {

/// The rows [first, first + count) that one microbatch occupies in the matrices of its share.
struct RowBlock {
  Index index = 0;  ///< the microbatch's number in the global batch
  Index first = 0;
  Index count = 0;
};

/// The rows of a share's matrices, microbatch by microbatch; a sample occupies `positions` of them.
/// A view.
struct RowBlocks {
  std::span<const Microbatch> microbatches;
  Index positions = 1;

  [[nodiscard]] Index size() const { return static_cast<Index>(microbatches.size()); }
  [[nodiscard]] RowBlock operator[](Index i) const {
    const Microbatch& m = microbatches[static_cast<std::size_t>(i)];
    return {m.index, m.first_row * positions, m.rows * positions};
  }
};

/// y = x w + 1 bias^T.
/// Shapes: x (rows, in), w (in, out), bias (out) or empty, y (rows, out).
/// Cost: 2 * rows * in * out operations.
void linear_forward(ConstMatrix x, const Weight& w, std::span<const Real> bias, Matrix y,
                    std::span<Real> scratch);

/// dx = dy w^T.
/// Shapes: dy (rows, out), w (in, out), dx (rows, in).
void linear_input_gradient(ConstMatrix dy, const Weight& w, Matrix dx, std::span<Real> scratch);

/// One aligned block of microbatches and where the sums over it go; `dbias` may be empty.
struct LinearGradient {
  MicrobatchRange block;
  Real* dw = nullptr;  ///< in the panels of the weight
  std::span<Real> dbias;
};

/// For each block: dw = sum over its microbatches m of x_m^T dy_m, and dbias = sum of the rows of
/// dy_m, both on the tree of OrderedSum. x and dy are packed a few rows at a time, the sums lie in
/// the caches, and dw is written once.
/// Shapes: x (rows, in), dy (rows, out), dw (in, out), dbias (out).
void linear_weight_gradient(const RowBlocks& rows, ConstMatrix x, ConstMatrix dy,
                            std::span<const LinearGradient> gradients, std::span<Real> scratch);

/// Numbers of scratch that each of the three needs for up to `rows` rows of up to `microbatches`
/// microbatches on up to `threads` threads.
[[nodiscard]] Index linear_scratch(Index rows, Index microbatches, const PanelLayout& weight,
                                   int threads);

/// The instructions that this build's products use, for people: "AVX-512, tiles of 14 x 32".
[[nodiscard]] std::string_view kernel_name();

}  // namespace lockstep::kernels
