#include "kernels/packing.hpp"

#include <algorithm>
#include <utility>

#include "kernels/vector.hpp"

namespace lockstep::kernels {
namespace {

constexpr auto kSquare = static_cast<std::size_t>(kLanes);
using Square = Vector[kSquare];

// Lane j of the two vectors that take the places of a and b, at distance kStep, in one round of a
// transposition: columns with the bit kStep move down from a to b, those without it up.
template <std::size_t kStep, std::size_t... j>
[[gnu::always_inline]] inline void exchange(Vector& a, Vector& b, std::index_sequence<j...>) {
  const Vector upper =
      __builtin_shufflevector(a, b, ((j & kStep) != 0 ? kSquare + j - kStep : j)...);
  b = __builtin_shufflevector(a, b, ((j & kStep) != 0 ? kSquare + j : j + kStep)...);
  a = upper;
}

template <std::size_t kStep = 1>
[[gnu::always_inline]] inline void transpose(Square& v) {
  unrolled<kSquare>([&](auto i) {
    if constexpr ((i & kStep) == 0) {
      exchange<kStep>(v[i], v[i + kStep], std::make_index_sequence<kSquare>{});
    }
  });
  if constexpr (2 * kStep < kSquare) transpose<2 * kStep>(v);
}

// Rows [0, rows) of kLanes columns each, as kLanes rows in out; rows <= kLanes.
void pack_square(const Real* from, Index stride, Index rows, Index width, Real* out) {
  Square v;
  unrolled<kSquare>([&](auto i) {
    v[i] = static_cast<Index>(i) < rows ? load(from + static_cast<Index>(i) * stride) : Vector{};
  });
  transpose(v);
  unrolled<kSquare>([&](auto p) { store(out + static_cast<Index>(p) * width, v[p]); });
}

}  // namespace

void pack_transposed(const Real* from, Index stride, Index rows, Index depth, Index width,
                     Real* out) {
  const Index whole = depth - depth % kLanes;
  // The last square of a row writes beyond it, into what the squares after it set.
  for (Index p = 0; p < whole; p += kLanes) {
    for (Index i = (width - 1) / kLanes * kLanes; i >= 0; i -= kLanes) {
      pack_square(from + i * stride + p, stride, rows - i, width, out + p * width + i);
    }
  }
  for (Index p = whole; p < depth; ++p) {
    for (Index i = 0; i < width; ++i) out[p * width + i] = i < rows ? from[i * stride + p] : 0;
  }
}

void pack_strips(const Real* from, Index stride, Index depth, const Strips& strips, Real* out) {
  for (Index p = 0; p < depth; p += kNearRows) {
    const Index end = std::min(p + kNearRows, depth);
    for (Index s = 0; s < strips.count(); ++s) {
      const Index rows = strips.rows(s);
      // Moved as whole vectors: what comes along is overwritten by the next rows, up to the last
      // ones, behind which lies another strip.
      const Index fast = stride >= kLanes ? depth - 1 - pieces_of(kLanes, rows) : 0;
      const Real* line = from + p * stride + strips.first(s);
      Real* to = out + (strips.first(s) - strips.begin) * depth + p * rows;
      for (Index q = p; q < end; ++q, line += stride, to += rows) {
        if (q < fast) {
          for (Index i = 0; i < rows; i += kLanes) store(to + i, load(line + i));
        } else {
          std::copy_n(line, rows, to);
        }
      }
    }
  }
}

void pack_rows(const Real* from, Index stride, Index depth, Index columns, Index width, Real* out) {
  const Index whole = columns - columns % kLanes;
  // Short tails are moved as whole vectors: what comes along from the next row of `from` is
  // overwritten by the next row of `out`, so only the last row must be moved number by number.
  const Index fast = stride >= kLanes ? depth - 1 : 0;
  for (Index p = 0; p < depth; ++p, from += stride, out += width) {
    for (Index i = 0; i < whole; i += kLanes) store(out + i, load(from + i));
    if (whole < columns && p < fast) {
      store(out + whole, load(from + whole));
    } else {
      std::copy(from + whole, from + columns, out + whole);
    }
    std::fill(out + columns, out + width, Real{0});
  }
}

}  // namespace lockstep::kernels
