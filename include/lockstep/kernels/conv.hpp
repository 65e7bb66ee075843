#pragma once

#include <span>

#include "lockstep/kernels/linear.hpp"
#include "lockstep/kernels/panels.hpp"

/// The three products of a convolution, straight from the images: no matrix of patches is written.
///
/// As in linear.hpp, every element of a result is one chain of multiply-adds in a fixed order, over
/// kernel rows, kernel columns and channels (forward and input gradient) or over samples and places
/// (weight gradient, per microbatch, then on the tree). Zeros stand where a window leaves the
/// image.
///
/// Windows of 3 x 3 with stride and dilation 1, in one group, over multiples of 16 channels on both
/// sides, are computed by Winograd's method instead: four neighbouring results from 16 products per
/// channel, not 36. There the chains are those of the 16 points, over channels or over samples and
/// tiles of 2 x 2 places, before they are transformed back. Which form serves a product depends on
/// the shapes of the layer alone: results of few or odd places stay direct, and so do weight
/// gradients of many channels from small images. Errors are no larger than those of the direct
/// form, for the chains are shorter: measured with 64 channels of normal numbers, at most 3e-7,
/// 4e-7 and 1e-6 of the largest result, gradient of x and of w, where the direct form has 1e-6,
/// 1e-6 and 2e-6.
namespace lockstep::kernels {

/// How a window slides along one axis.
struct Window {
  Index size = 1;      ///< places that it looks at
  Index stride = 1;    ///< from one position to the next
  Index dilation = 1;  ///< from one place to the next
  Index before = 0;    ///< zeros in front of the axis, fewer than span()
  Index after = 0;     ///< zeros behind it, fewer than span()

  /// From the first place to the last, both included.
  [[nodiscard]] Index span() const { return (size - 1) * dilation + 1; }
  /// Positions on an axis of `length`: floor((length + before + after - span) / stride) + 1; 0 if
  /// it does not fit.
  [[nodiscard]] Index positions(Index length) const {
    const Index room = length + before + after - span();
    return room < 0 ? 0 : room / stride + 1;
  }
  friend bool operator==(const Window&, const Window&) = default;
};

/// y[i, j, o] = bias[o] + sum over r, s, c of
///     x[i stride - before + r dilation, j stride - before + s dilation, c] w[r, s, c, o]
/// Channels are cut into `groups` equal parts; outputs of a part see inputs of that part only.
struct Convolution {
  Shape input;
  Shape output;
  Window rows;
  Window columns;
  Index groups = 1;

  [[nodiscard]] Index inputs() const { return input.channels / groups; }    ///< of one group
  [[nodiscard]] Index outputs() const { return output.channels / groups; }  ///< of one group
  /// The weight w[r, s, c, o] as a matrix: rows (r, s, c), columns o.
  [[nodiscard]] PanelLayout weight() const {
    return {rows.size * columns.size * inputs(), output.channels};
  }
};

/// y of `samples` images, NHWC.
/// Cost: 2 * samples * places of y * weights of one output operations.
void conv_forward(const Convolution& conv, Index samples, const Real* x, const Real* w,
                  std::span<const Real> bias, Real* y, std::span<Real> scratch);

/// dx of `samples` images.
void conv_input_gradient(const Convolution& conv, Index samples, const Real* dy, const Real* w,
                         Real* dx, std::span<Real> scratch);

/// For each block of microbatches: the gradients of weight and bias. `rows` counts places of y.
void conv_weight_gradient(const Convolution& conv, const RowBlocks& rows, const Real* x,
                          const Real* dy, std::span<const LinearGradient> gradients,
                          std::span<Real> scratch);

/// Numbers of scratch that each of the three needs for up to `samples` images of up to
/// `microbatches` microbatches on up to `threads` threads.
[[nodiscard]] Index conv_scratch(const Convolution& conv, Index samples, Index microbatches,
                                 int threads);

}  // namespace lockstep::kernels
