#include <algorithm>
#include <cassert>

#include "kernels/attention_head.hpp"

namespace lockstep::kernels {
namespace {

struct StepScratch {
  StepScratch(Scratch& s, const AttentionShape& shape)
      : scores(take_packed(s, shape.positions + kTileColumns)),
        packed(take_packed(s, std::max(shape.positions, shape.width) * kTileColumns)) {}

  Real* scores;
  Real* packed;
};

/// One query and the keys [0, keys), whose rows are `stride` numbers apart. The products are tiles
/// of one row.
struct Query {
  Index keys;
  Index width;
  Index stride;
  Real* packed;  ///< room for the columns of a tile

  /// scores[j] = sum over c of q[c] k(j, c); writes whole tiles.
  void multiply_keys(const Real* q, const Real* k, Real* scores) const {
    for (Index first = 0; first < keys; first += kTileColumns) {
      pack_transposed(k + first * stride, stride, std::min(kTileColumns, keys - first), width,
                      kTileColumns, packed);
      multiply(q, width, scores + first);
    }
  }

  /// y[c] = factor * sum over j of p[j] v(j, c).
  void multiply_values(const Real* p, const Real* v, Real factor, Real* y) const {
    for (Index first = 0; first < width; first += kTileColumns) {
      const Index count = std::min(kTileColumns, width - first);
      pack_rows(v + first, stride, keys, count, kTileColumns, packed);
      QueryRow row;
      multiply(p, keys, row.data());
      for (Index c = 0; c < count; ++c) y[first + c] = row[static_cast<std::size_t>(c)] * factor;
    }
  }

 private:
  void multiply(const Real* a, Index depth, Real* out) const {
    multiply_tile({.rows = 1,
                   .columns = kTileColumns,
                   .depth = depth,
                   .a = a,
                   .a_step = 1,
                   .b = packed,
                   .b_stride = kTileColumns,
                   .out = out,
                   .out_stride = kTileColumns});
  }
};

}  // namespace

Index attention_step_scratch(const AttentionShape& shape) {
  return Scratch::size_of<StepScratch>(shape);
}

void attention_step(const AttentionShape& shape, ConstMatrix qkv, Index position, Matrix y,
                    std::span<Real> scratch) {
  assert(shape.causal && position < qkv.rows && y.rows == 1);
  const Index channels = shape.channels();
  const Index keys = position + 1;
  const Real scale = score_scale(shape);
  Scratch memory(scratch);
  const StepScratch room(memory, shape);
  Real* const scores = room.scores;
  const Query query{keys, shape.width, qkv.columns, room.packed};
  for (Index first = 0; first < channels; first += shape.width) {
    query.multiply_keys(qkv.row(position).data() + first, qkv.data + channels + first, scores);
    const Real largest = *std::max_element(scores, scores + keys);
    Real sum = 0;
    for (Index j = 0; j < keys; ++j) scores[j] = softmax_weight((scores[j] - largest) * scale);
    for (Index j = 0; j < keys; ++j) sum += scores[j];
    query.multiply_values(scores, qkv.data + 2 * channels + first, Real{1} / sum, y.data + first);
  }
}

}  // namespace lockstep::kernels
