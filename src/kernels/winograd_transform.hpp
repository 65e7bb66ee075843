#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/vector.hpp"
#include "lockstep/base/types.hpp"

// Winograd's minimal filtering F(2 x 2, 3 x 3): four neighbouring results of a 3 x 3 window from 16
// products instead of 36. With d a patch of 4 x 4 inputs and g the window,
//
//     y = A^T [(G g G^T) o (B^T d B)] A,
//
// where o multiplies element by element, and so sums over channels become 16 matrix products. Its
// transpose gives the window's gradient: dg = G^T [(A dy A^T) o (B^T d B)] G.
//
//     B^T = 1  0 -1  0     G = 1    0    0     A^T = 1  1  1  0
//           0  1  1  0         1/2  1/2  1/2         0  1 -1 -1
//           0 -1  1  0         1/2 -1/2  1/2
//           0  1  0 -1         0    0    1
//
// Multiplying by 1/2 is exact: the transforms are a few additions in a fixed order, and errors stay
// about those of the plain sum. Source: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural
// Networks, CVPR 2016.

namespace lockstep::kernels {

inline constexpr Index kWinogradTile = 2;     ///< results of a tile along each axis
inline constexpr Index kWinogradPatch = 4;    ///< inputs that they see
inline constexpr Index kWinogradWindow = 3;   ///< of the kernel
inline constexpr Index kWinogradPoints = 16;  ///< products of a tile

/// A line of numbers for as many channels as a vector has lanes.
template <std::size_t kLength>
struct Line {
  Vector at[kLength];
};

template <std::size_t kLength>
struct Block {
  Line<kLength> lines[kLength];
};

struct InputTransform {  // B^T
  static constexpr std::size_t kFrom = 4, kTo = 4;
  [[gnu::always_inline]] static Line<4> apply(const Line<4>& d) {
    return {{d.at[0] - d.at[2], d.at[1] + d.at[2], d.at[2] - d.at[1], d.at[1] - d.at[3]}};
  }
};

struct WeightTransform {  // G
  static constexpr std::size_t kFrom = 3, kTo = 4;
  [[gnu::always_inline]] static Line<4> apply(const Line<3>& g) {
    const Vector outer = g.at[0] + g.at[2];
    return {{g.at[0], Real{0.5} * (outer + g.at[1]), Real{0.5} * (outer - g.at[1]), g.at[2]}};
  }
};

struct OutputTransform {  // A^T
  static constexpr std::size_t kFrom = 4, kTo = 2;
  [[gnu::always_inline]] static Line<2> apply(const Line<4>& m) {
    return {{m.at[0] + m.at[1] + m.at[2], m.at[1] - m.at[2] - m.at[3]}};
  }
};

struct OutputGradientTransform {  // A
  static constexpr std::size_t kFrom = 2, kTo = 4;
  [[gnu::always_inline]] static Line<4> apply(const Line<2>& y) {
    return {{y.at[0], y.at[0] + y.at[1], y.at[0] - y.at[1], -y.at[1]}};
  }
};

struct WeightGradientTransform {  // G^T
  static constexpr std::size_t kFrom = 4, kTo = 3;
  [[gnu::always_inline]] static Line<3> apply(const Line<4>& m) {
    const Vector inner = Real{0.5} * (m.at[1] + m.at[2]);
    return {{m.at[0] + inner, Real{0.5} * (m.at[1] - m.at[2]), inner + m.at[3]}};
  }
};

/// Along columns, then along lines.
template <typename Transform>
[[gnu::always_inline]] inline Block<Transform::kTo> transform(const Block<Transform::kFrom>& from) {
  Block<Transform::kTo> result;
  Line<Transform::kFrom> half[Transform::kTo];
  unrolled<Transform::kFrom>([&](auto j) {
    Line<Transform::kFrom> column;
    unrolled<Transform::kFrom>([&](auto i) { column.at[i] = from.lines[i].at[j]; });
    const Line<Transform::kTo> transformed = Transform::apply(column);
    unrolled<Transform::kTo>([&](auto i) { half[i].at[j] = transformed.at[i]; });
  });
  unrolled<Transform::kTo>([&](auto i) { result.lines[i] = Transform::apply(half[i]); });
  return result;
}

/// Where the numbers of a block lie.
struct Steps {
  Index line = 0;
  Index column = 0;
};

template <std::size_t kLength>
[[gnu::always_inline]] inline Block<kLength> load_block(const Real* from, const Steps& steps) {
  Block<kLength> block;
  unrolled<kLength>([&](auto i) {
    unrolled<kLength>([&](auto j) {
      block.lines[i].at[j] =
          load(from + static_cast<Index>(i) * steps.line + static_cast<Index>(j) * steps.column);
    });
  });
  return block;
}

template <std::size_t kLength>
[[gnu::always_inline]] inline void store_block(const Block<kLength>& block, Real* to,
                                               const Steps& steps) {
  unrolled<kLength>([&](auto i) {
    unrolled<kLength>([&](auto j) {
      store(to + static_cast<Index>(i) * steps.line + static_cast<Index>(j) * steps.column,
            block.lines[i].at[j]);
    });
  });
}

}  // namespace lockstep::kernels
