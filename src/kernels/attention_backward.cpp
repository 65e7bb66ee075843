#include <algorithm>
#include <cassert>

#include "kernels/attention_head.hpp"
#include "kernels/blocking.hpp"
#include "kernels/vector.hpp"
#include "lockstep/base/parallel.hpp"

// With the probabilities p, computed again block by block:
//
//     dv(j, c) = sum over i of p(i, j) dy(i, c)        g(i, j) = sum over c of dy(i, c) v(j, c)
//     ds(i, j) = p(i, j) (g(i, j) - sum over c of dy(i, c) y(i, c)) / sqrt(d)
//     dq(i, c) = sum over j of ds(i, j) k(j, c)        dk(j, c) = sum over i of ds(i, j) q(i, c)

namespace lockstep::kernels {
namespace {

/// Columns of a row of d numbers that tiles can take as their columns.
Index padded_width(const AttentionShape& shape) { return pieces_of(shape.width, kLanes) * kLanes; }

/// The memory of one thread.
struct BackwardScratch {
  BackwardScratch(Scratch& s, const AttentionShape& shape) {
    for (Real** piece : {&k, &v}) *piece = take_packed(s, shape.positions * shape.width);
    for (Real** piece : {&q_rows, &dy_rows, &dk, &dv}) {
      *piece = take_packed(s, shape.positions * padded_width(shape));
    }
    for (Real** piece : {&q, &y, &dy, &rows}) *piece = take_packed(s, shape.width * kTileColumns);
    for (Real** piece : {&p, &ds}) *piece = take_packed(s, shape.positions * kTileColumns);
  }

  Real *k, *v;             ///< rows side by side
  Real *q_rows, *dy_rows;  ///< rows of padded_width
  Real *dk, *dv;           ///< rows of padded_width
  Real *q, *y, *dy;        ///< of the block, transposed; q becomes dq, then
  Real* rows;              ///< to transpose dq
  Real *p, *ds;            ///< of the block: (keys, kTileColumns)
};

/// Where the rows of one head lie; q, k and v are `channels` apart.
struct HeadGradient {
  const Real* q;
  const Real* y;
  const Real* dy;
  Real* dq;
  ConstRowStatistics statistics;
};

/// The numbers of the block's queries, zero where no query is.
QueryRow row_of_block(const Real* from, const QueryBlock& block) {
  QueryRow row{};
  std::copy_n(from + block.first, block.count, row.data());
  return row;
}

/// sum over c of dy(., c) y(., c), in the order of c.
QueryRow products_of_rows(const Real* dy, const Real* y, Index channels) {
  Vector low{};
  Vector high{};
  for (Index c = 0; c < channels; ++c) {
    low += load(dy + c * kTileColumns) * load(y + c * kTileColumns);
    high += load(dy + c * kTileColumns + kLanes) * load(y + c * kTileColumns + kLanes);
  }
  QueryRow row;
  store(row.data(), low);
  store(row.data() + kLanes, high);
  return row;
}

/// p *= inverse_sum, ds = p (ds - mean) scale.
void score_gradients(Index keys, const QueryRow& inverse_sum, const QueryRow& mean, Real scale,
                     Real* p, Real* ds) {
  for (Index v = 0; v < kTileColumns; v += kLanes) {
    const Vector factor = load(inverse_sum.data() + v);
    const Vector shift = load(mean.data() + v);
    for (Index at = v; at < keys * kTileColumns; at += kTileColumns) {
      const Vector probability = load(p + at) * factor;
      store(p + at, probability);
      store(ds + at, probability * (load(ds + at) - shift) * scale);
    }
  }
}

/// to(j, c) += sum over the block's queries i of a(j, i) b(i, c), for its keys j.
void add_over_queries(const AttentionShape& shape, const QueryBlock& block, const Real* a,
                      const Real* b, Real* to) {
  const Index width = padded_width(shape);
  const Strips strips{0, block.keys};
  for (Index column = 0; column < width; column += kTileColumns) {
    for (Index s = 0; s < strips.count(); ++s) {
      Real* const out = to + strips.first(s) * width + column;
      multiply_tile({.rows = strips.rows(s),
                     .columns = std::min(kTileColumns, width - column),
                     .depth = block.count,
                     .a = a + strips.first(s) * kTileColumns,
                     .a_step = kTileColumns,
                     .a_in_rows = true,
                     .b = b + block.first * width + column,
                     .b_stride = width,
                     .start = out,
                     .start_stride = width,
                     .out = out,
                     .out_stride = width});
    }
  }
}

void backward_block(const AttentionShape& shape, const QueryBlock& block, const HeadGradient& h,
                    const BackwardScratch& room) {
  const Index channels = shape.channels();
  pack_queries(shape, block, h.q, 3 * channels, room.q);
  pack_queries(shape, block, h.y, channels, room.y);
  pack_queries(shape, block, h.dy, channels, room.dy);
  multiply_positions(shape, block, room.k, room.q, room.p);
  mask_scores(shape, block, room.p);
  exponentials(shape, block, row_of_block(h.statistics.largest, block), room.p);
  multiply_positions(shape, block, room.v, room.dy, room.ds);
  score_gradients(block.keys, row_of_block(h.statistics.inverse_sum, block),
                  products_of_rows(room.dy, room.y, shape.width), score_scale(shape), room.p,
                  room.ds);
  add_over_queries(shape, block, room.p, room.dy_rows, room.dv);
  add_over_queries(shape, block, room.ds, room.q_rows, room.dk);
  multiply_channels(shape, block, room.k, room.ds, room.q);
  unpack_queries(shape, block, room.q, h.dq, 3 * channels, room.rows);
}

void backward_head(const AttentionShape& shape, const HeadGradient& h,
                   const BackwardScratch& room) {
  const Index channels = shape.channels();
  const Index stride = 3 * channels;
  const Index width = padded_width(shape);
  copy_positions(shape, h.q + channels, stride, room.k);
  copy_positions(shape, h.q + 2 * channels, stride, room.v);
  pack_rows(h.q, stride, shape.positions, shape.width, width, room.q_rows);
  pack_rows(h.dy, channels, shape.positions, shape.width, width, room.dy_rows);
  std::fill_n(room.dk, shape.positions * width, Real{0});
  std::fill_n(room.dv, shape.positions * width, Real{0});
  for (Index b = 0; b < query_blocks(shape); ++b) {
    backward_block(shape, query_block(shape, b), h, room);
  }
  for (Index j = 0; j < shape.positions; ++j) {
    std::copy_n(room.dk + j * width, shape.width, h.dq + j * stride + channels);
    std::copy_n(room.dv + j * width, shape.width, h.dq + j * stride + 2 * channels);
  }
}

}  // namespace

Index attention_scratch(const AttentionShape& shape, int threads) {
  return threads *
         std::max({attention_forward_scratch(shape), Scratch::size_of<BackwardScratch>(shape),
                   attention_step_scratch(shape)});
}

void attention_backward(const AttentionShape& shape, ConstMatrix qkv, ConstMatrix y,
                        std::span<const Real> statistics, ConstMatrix dy, Matrix dqkv,
                        std::span<Real> scratch) {
  assert(qkv.columns == 3 * shape.channels() && y.columns == shape.channels());
  const Index positions = shape.positions;
  parallel_for(y.rows / positions * shape.heads, [&](Index i) {
    const Index row = i / shape.heads * positions;
    const Index channel = i % shape.heads * shape.width;
    const Index wide = row * qkv.columns + channel;
    const Index narrow = row * y.columns + channel;
    const Real* const kept = statistics.data() + 2 * i * positions;
    Scratch own(scratch_of_thread(scratch));
    backward_head(shape,
                  {.q = qkv.data + wide,
                   .y = y.data + narrow,
                   .dy = dy.data + narrow,
                   .dq = dqkv.data + wide,
                   .statistics = {kept, kept + positions}},
                  BackwardScratch(own, shape));
  });
}

}  // namespace lockstep::kernels
