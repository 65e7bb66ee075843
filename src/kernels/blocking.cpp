#include "kernels/blocking.hpp"

#include <algorithm>

namespace lockstep::kernels {

Blocking::Blocking(const Caches& caches) {
  const Index near = caches.first / static_cast<Index>(sizeof(Real));
  // Where the second level is small, blocks lie in the share that a core has of the third.
  constexpr Index kEnough = Index{2} << 20;
  const Index bytes = std::max(caches.second, std::min(caches.third / 8, kEnough));
  const Index far = bytes / static_cast<Index>(sizeof(Real));
  // Half of it are the sums of a panel with the fewest inputs, at least.
  packed_block = std::max(far * 7 / 16, 2 * kTileRows * PanelLayout::kWidth);
  // Whole panels, for the input gradient deals them out.
  constexpr Index kWidth = PanelLayout::kWidth;
  depth_block = std::clamp<Index>(far / 512 / kWidth, 1, 1024 / kWidth) * kWidth;
  row_block = std::max<Index>(packed_block / depth_block, kTileRows);
  sums_together = packed_block / 2;
  short_row = std::min(near * 7 / 12 / kTileRows, depth_block);  // a strip has its whole depth
  gradient_rows = std::clamp<Index>(near / 48, 32, 256);
  conv_band = far / 8;
  conv_sums = std::max(far / 8, kTileRows * kTileColumns);
  conv_images = far / 4;
  winograd_tiles = far / 16;
  winograd_images = far / 4;
}

Blocking blocking() { return Blocking(caches()); }

}  // namespace lockstep::kernels
