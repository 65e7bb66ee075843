#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "base/exponential.hpp"
#include "kernels/packing.hpp"
#include "kernels/tile.hpp"
#include "lockstep/kernels/attention.hpp"

// What forward and backward of attention share: one head of one sample, T positions, d channels.
//
// Everything is computed transposed: keys or channels are the rows of a tile, the queries of a
// block its columns. So softmax goes along the rows of the block, which are vectors of queries, and
// its result is at once an operand of the next product.

namespace lockstep::kernels {

/// One number for each query of a block.
using QueryRow = std::array<Real, static_cast<std::size_t>(kTileColumns)>;

/// What the rows of a softmax are computed from again.
struct RowStatistics {
  Real* largest = nullptr;      ///< score of each row
  Real* inverse_sum = nullptr;  ///< 1 / sum of the exponentials of each row
};

struct ConstRowStatistics {
  const Real* largest = nullptr;
  const Real* inverse_sum = nullptr;
};

/// Consecutive queries and the keys [0, keys) that they see.
struct QueryBlock {
  Index first = 0;
  Index count = 0;
  Index keys = 0;
};

[[nodiscard]] inline Index query_blocks(const AttentionShape& shape) {
  return pieces_of(shape.positions, kTileColumns);
}

[[nodiscard]] inline QueryBlock query_block(const AttentionShape& shape, Index index) {
  const Index first = index * kTileColumns;
  const Index count = std::min(kTileColumns, shape.positions - first);
  return {first, count, shape.causal ? first + count : shape.positions};
}

[[nodiscard]] inline Real score_scale(const AttentionShape& shape) {
  return static_cast<Real>(1 / std::sqrt(static_cast<double>(shape.width)));
}

/// Numbers of scratch that one thread needs in attention_forward.
[[nodiscard]] Index attention_forward_scratch(const AttentionShape& shape);
/// Numbers of scratch that attention_step needs.
[[nodiscard]] Index attention_step_scratch(const AttentionShape& shape);

/// Copies T rows of d numbers, `stride` apart, side by side.
void copy_positions(const AttentionShape& shape, const Real* from, Index stride, Real* to);
/// The rows of a block of queries as d rows of kTileColumns numbers, zero where no query is.
void pack_queries(const AttentionShape& shape, const QueryBlock& block, const Real* from,
                  Index stride, Real* to);
/// The other way: d rows of kTileColumns numbers to the rows of a block. `room`: kTileColumns * d
/// numbers.
void unpack_queries(const AttentionShape& shape, const QueryBlock& block, const Real* from,
                    Real* to, Index stride, Real* room);

/// out(j, .) = sum over c of rows(j, c) b(c, .) for keys j of the block at least; rows side by
/// side.
void multiply_positions(const AttentionShape& shape, const QueryBlock& block, const Real* rows,
                        const Real* b, Real* out);
/// out(c, .) = sum over keys j of the block of rows(j, c) b(j, .).
void multiply_channels(const AttentionShape& shape, const QueryBlock& block, const Real* rows,
                       const Real* b, Real* out);

/// Scores that a block must not see become minus infinity.
void mask_scores(const AttentionShape& shape, const QueryBlock& block, Real* scores);
/// A weight of the softmax before it is divided by their sum: exp(x) for x <= 0, and zero below
/// -69. What is smaller than 1e-30 of the largest changes nothing that floats could show, but
/// products with it are denormal, which takes some processors a hundred times longer.
[[nodiscard]] inline Real softmax_weight(Real x) {
  constexpr Real kLeast = -69;
  const Real weight = elementary::exp(x);
  return x < kLeast ? Real{0} : weight;
}

/// scores = softmax_weight((scores - largest) scale), row by row.
void exponentials(const AttentionShape& shape, const QueryBlock& block, const QueryRow& largest,
                  Real* scores);

}  // namespace lockstep::kernels
