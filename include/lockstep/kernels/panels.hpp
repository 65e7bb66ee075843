#pragma once

#include <algorithm>

#include "lockstep/base/types.hpp"

namespace lockstep::kernels {

/// How a weight matrix of `rows` x `columns` lies in memory: cut into panels of kWidth columns, one
/// panel after the other, each row-major. A product reads such a weight from front to back, forward
/// and, with another grouping of the same numbers, for the input gradient: nothing is packed or
/// transposed in a step. The last panel is as wide as it must be, rounded up to kStep columns; the
/// columns that this adds are always zero, and so are kGap numbers between panels: without them the
/// rows of a strip across all panels would compete for the same few places of the caches whenever
/// `rows` is a power of two.
struct PanelLayout {
  static constexpr Index kWidth = 32;
  static constexpr Index kStep = 16;
  static constexpr Index kGap = 64;

  Index rows = 0;
  Index columns = 0;

  [[nodiscard]] Index panels() const { return pieces_of(columns, kWidth); }
  /// Columns of panel p as stored.
  [[nodiscard]] Index width(Index p) const {
    return std::min(kWidth, pieces_of(columns - p * kWidth, kStep) * kStep);
  }
  /// Columns of panel p that belong to the matrix.
  [[nodiscard]] Index used(Index p) const { return std::min(kWidth, columns - p * kWidth); }
  /// Where panel p begins.
  [[nodiscard]] Index begin(Index p) const { return p * (kWidth * rows + kGap); }
  /// Numbers as stored.
  [[nodiscard]] Index size() const {
    return columns == 0 ? 0 : begin(panels() - 1) + rows * width(panels() - 1);
  }
  /// Where element (row, column) lies.
  [[nodiscard]] Index at(Index row, Index column) const {
    const Index p = column / kWidth;
    return begin(p) + row * width(p) + column % kWidth;
  }
};

/// A weight in panels; a view.
struct Weight {
  const Real* data = nullptr;
  PanelLayout layout;
};

}  // namespace lockstep::kernels
