#include "kernels/attention_head.hpp"

#include <algorithm>
#include <limits>

#include "kernels/vector.hpp"

namespace lockstep::kernels {
namespace {

/// out(i, .) = sum over p in [0, depth) of packed(i, p) b(p, .) for all strips of [0, rows) that
/// begin below `end`; each strip is packed `packed_depth` deep.
void multiply_strips(const Real* packed, Index rows, Index packed_depth, Index end, Index depth,
                     const Real* b, Real* out) {
  const Strips strips{0, rows};
  for (Index s = 0; s < strips.count() && strips.first(s) < end; ++s) {
    const Index first = strips.first(s);
    multiply_tile({.rows = strips.rows(s),
                   .columns = kTileColumns,
                   .depth = depth,
                   .a = packed + first * packed_depth,
                   .b = b,
                   .b_stride = kTileColumns,
                   .out = out + first * kTileColumns,
                   .out_stride = kTileColumns});
  }
}

}  // namespace

void pack_positions(const AttentionShape& shape, const Real* from, Index stride, Real* to) {
  const Strips strips{0, shape.positions};
  for (Index s = 0; s < strips.count(); ++s) {
    const Index first = strips.first(s);
    pack_transposed(from + first * stride, stride, strips.rows(s), shape.width, strips.rows(s),
                    to + first * shape.width);
  }
}

void pack_channels(const AttentionShape& shape, const Real* from, Index stride, Real* to) {
  pack_strips(from, stride, shape.positions, {0, shape.width}, to);
}

void pack_queries(const AttentionShape& shape, const QueryBlock& block, const Real* from,
                  Index stride, Real* to) {
  pack_transposed(from + block.first * stride, stride, block.count, shape.width, kTileColumns, to);
}

void unpack_queries(const AttentionShape& shape, const QueryBlock& block, const Real* from,
                    Real* to, Index stride, Real* room) {
  pack_transposed(from, kTileColumns, shape.width, block.count, shape.width, room);
  for (Index i = 0; i < block.count; ++i) {
    std::copy_n(room + i * shape.width, shape.width, to + (block.first + i) * stride);
  }
}

void multiply_positions(const AttentionShape& shape, const QueryBlock& block, const Real* packed,
                        const Real* b, Real* out) {
  multiply_strips(packed, shape.positions, shape.width, block.keys, shape.width, b, out);
}

void multiply_channels(const AttentionShape& shape, const QueryBlock& block, const Real* packed,
                       const Real* b, Real* out) {
  multiply_strips(packed, shape.width, shape.positions, shape.width, block.keys, b, out);
}

void mask_scores(const AttentionShape& shape, const QueryBlock& block, Real* scores) {
  if (!shape.causal) return;
  for (Index j = block.first + 1; j < block.keys; ++j) {
    std::fill_n(scores + j * kTileColumns, j - block.first, -std::numeric_limits<Real>::infinity());
  }
}

void exponentials(const AttentionShape& shape, const QueryBlock& block, const QueryRow& largest,
                  Real* scores) {
  const Real scale = score_scale(shape);
  const Vector low = load(largest.data());
  const Vector high = load(largest.data() + kLanes);
  for (Index j = 0; j < block.keys; ++j) {
    Real* const row = scores + j * kTileColumns;
    store(row, (load(row) - low) * scale);
    store(row + kLanes, (load(row + kLanes) - high) * scale);
  }
  const Index count = block.keys * kTileColumns;
  for (Index i = 0; i < count; ++i) scores[i] = softmax_weight(scores[i]);
}

}  // namespace lockstep::kernels
