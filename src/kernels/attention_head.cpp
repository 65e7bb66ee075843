#include "kernels/attention_head.hpp"

#include <algorithm>
#include <limits>

#include "kernels/vector.hpp"

namespace lockstep::kernels {
namespace {

/// out(i, .) = sum over p in [0, depth) of a(i, p) b(p, .) for all strips of [0, rows) that begin
/// below `end`, where a is a tile's without its place.
void multiply_strips(Tile a, Index rows, Index end, const Real* b, Real* out) {
  const Strips strips{0, rows};
  const Real* const from = a.a;
  a.columns = kTileColumns;
  a.b = b;
  a.b_stride = kTileColumns;
  a.out_stride = kTileColumns;
  for (Index s = 0; s < strips.count() && strips.first(s) < end; ++s) {
    const Index first = strips.first(s);
    a.rows = strips.rows(s);
    a.a = from + first * (a.a_in_rows ? a.a_step : 1);
    a.out = out + first * kTileColumns;
    multiply_tile(a);
  }
}

}  // namespace

void copy_positions(const AttentionShape& shape, const Real* from, Index stride, Real* to) {
  pack_rows(from, stride, shape.positions, shape.width, shape.width, to);
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

void multiply_positions(const AttentionShape& shape, const QueryBlock& block, const Real* rows,
                        const Real* b, Real* out) {
  multiply_strips({.depth = shape.width, .a = rows, .a_step = shape.width, .a_in_rows = true},
                  shape.positions, block.keys, b, out);
}

void multiply_channels(const AttentionShape& shape, const QueryBlock& block, const Real* rows,
                       const Real* b, Real* out) {
  multiply_strips({.depth = block.keys, .a = rows, .a_step = shape.width}, shape.width, shape.width,
                  b, out);
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
