#pragma once

#include "kernels/conv_geometry.hpp"
#include "kernels/winograd_transform.hpp"

namespace lockstep::kernels {

/// Channels come in multiples of so many, on every machine: the same networks are computed in the
/// same way wherever they run.
inline constexpr Index kWinogradChannels = 16;

/// Whether a window over a frame is computed by Winograd's method: it has 3 x 3 places that lie
/// side by side, whole vectors of channels, and few results are computed for nothing at odd edges.
[[nodiscard]] bool is_winograd(const Sliding& sliding);

/// Whether the weight gradient is, too: not where images have few tiles but weights are large, for
/// each microbatch writes 16 matrices of the size of a place's weights.
[[nodiscard]] bool has_winograd_gradient(const Convolution& conv);

/// The tiles of 2 x 2 results of some images, one image after the other.
struct WinogradTiles {
  Index rows;
  Index columns;

  explicit WinogradTiles(const Shape& result)
      : rows(pieces_of(result.height, kWinogradTile)),
        columns(pieces_of(result.width, kWinogradTile)) {}

  /// In one image.
  [[nodiscard]] Index each() const { return rows * columns; }

  struct Place {
    Index sample, row, column;  ///< of the first result
  };
  [[nodiscard]] Place at(Index tile) const {
    const Index within = tile % each();
    return {tile / each(), within / columns * kWinogradTile, within % columns * kWinogradTile};
  }
};

/// A square of an image.
struct Patch {
  const Real* data = nullptr;
  Steps steps;
};

/// The `size` x `size` places from (row, column) on, copied to `border` with zeros if it is not
/// wholly in the image.
[[nodiscard]] Patch patch_of(const Shape& image, const Real* data, Index row, Index column,
                             Index size, Real* border);

/// Numbers from point to point of `each` numbers: were it a power of two, they would compete for
/// the same few places of the caches.
[[nodiscard]] inline Index winograd_step(Index each) {
  return aligned<Real>(each) + PanelLayout::kGap;
}

/// As slide(), where is_winograd().
void slide_winograd(const Sliding& sliding, Index samples, const Real* from, const GroupedWeight& w,
                    std::span<const Real> bias, Real* to, std::span<Real> scratch);
[[nodiscard]] Index slide_winograd_scratch(const Sliding& sliding, int threads);

/// As conv_weight_gradient(), where has_winograd_gradient().
void winograd_weight_gradient(const Convolution& conv, const RowBlocks& rows, const Real* x,
                              const Real* dy, std::span<const LinearGradient> gradients,
                              std::span<Real> scratch);
[[nodiscard]] Index winograd_weight_gradient_scratch(const Convolution& conv, Index microbatches,
                                                     int threads);

}  // namespace lockstep::kernels
