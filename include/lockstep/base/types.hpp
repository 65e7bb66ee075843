#pragma once

#include <cstddef>
#include <span>

namespace lockstep {

/// The number type of parameters, activations and gradients. The double-precision build exists for
/// gradient checks.
#ifdef LOCKSTEP_DOUBLE
using Real = double;
#else
using Real = float;
#endif

using Index = std::ptrdiff_t;

/// The numbers or places [begin, end).
struct Range {
  Index begin = 0;
  Index end = 0;

  [[nodiscard]] Index size() const { return end - begin; }
  friend bool operator==(const Range&, const Range&) = default;
};

/// How many pieces of at most `size` cover `count`.
[[nodiscard]] constexpr Index pieces_of(Index count, Index size) {
  return (count + size - 1) / size;
}

/// Piece `index` of `pieces` nearly equal ones of [0, count).
[[nodiscard]] constexpr Range piece_of(Index count, Index index, Index pieces) {
  return {count * index / pieces, count * (index + 1) / pieces};
}

/// The shape of one sample: a grid of positions with channels.
/// Image (H, W, C), sequence (T, 1, C), vector (1, 1, C).
struct Shape {
  Index height = 1;
  Index width = 1;
  Index channels = 1;

  [[nodiscard]] Index positions() const { return height * width; }
  [[nodiscard]] Index size() const { return height * width * channels; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// A view of a dense row-major matrix; it owns nothing.
struct ConstMatrix {
  const Real* data = nullptr;
  Index rows = 0;
  Index columns = 0;

  [[nodiscard]] std::span<const Real> row(Index i) const {
    return {data + i * columns, static_cast<std::size_t>(columns)};
  }
  [[nodiscard]] Index size() const { return rows * columns; }
};

/// A writable view of a dense row-major matrix; it owns nothing.
struct Matrix {
  Real* data = nullptr;
  Index rows = 0;
  Index columns = 0;

  [[nodiscard]] std::span<Real> row(Index i) const {
    return {data + i * columns, static_cast<std::size_t>(columns)};
  }
  [[nodiscard]] Index size() const { return rows * columns; }
  operator ConstMatrix() const {
    return {data, rows, columns};
  }  // NOLINT: a view converts like a span
};

}  // namespace lockstep
