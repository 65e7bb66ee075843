#pragma once

#include <span>

#include "lockstep/base/share.hpp"

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

/// y = x w + 1 bias^T, microbatch by microbatch in fixed column tiles.
/// Shapes: x (rows, in), w (in, out), bias (out) or empty, y (rows, out).
/// Cost: 2 * rows * in * out operations.
void linear_forward(const RowBlocks& rows, ConstMatrix x, ConstMatrix w, std::span<const Real> bias,
                    Matrix y);

/// dx = dy w^T.
/// Shapes: dy (rows, out), w (in, out), dx (rows, in).
void linear_input_gradient(const RowBlocks& rows, ConstMatrix dy, ConstMatrix w, Matrix dx);

/// One aligned block of microbatches and where the sums over it go; `dbias` may be empty.
struct LinearGradient {
  Share block;
  Real* dw = nullptr;
  std::span<Real> dbias;
};

/// For each block: dw = sum over its microbatches m of x_m^T dy_m, and dbias = sum of the rows of
/// dy_m, both on the tree of OrderedSum. The weight gradient is computed tile by tile, so that the
/// merges of a tile stay in the cache. Shapes: x (rows, in), dy (rows, out), dw (in, out), dbias
/// (out). Scratch: linear_gradient_scratch() numbers.
void linear_weight_gradient(const RowBlocks& rows, ConstMatrix x, ConstMatrix dy,
                            std::span<const LinearGradient> gradients, std::span<Real> scratch);

/// Numbers of scratch for shares of up to `microbatches` on up to `threads` threads.
[[nodiscard]] Index linear_gradient_scratch(Index microbatches, int threads);

}  // namespace lockstep::kernels
