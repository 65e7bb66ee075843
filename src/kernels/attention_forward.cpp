#include <algorithm>
#include <cassert>

#include "kernels/attention_head.hpp"
#include "kernels/blocking.hpp"
#include "kernels/vector.hpp"
#include "lockstep/base/parallel.hpp"

namespace lockstep::kernels {
namespace {

/// The memory of one thread.
struct ForwardScratch {
  ForwardScratch(Scratch& s, const AttentionShape& shape)
      : k(take_packed(s, shape.positions * shape.width)),
        v(take_packed(s, shape.positions * shape.width)),
        q(take_packed(s, shape.width * kTileColumns)),
        y(take_packed(s, shape.width * kTileColumns)),
        rows(take_packed(s, shape.width * kTileColumns)),
        scores(take_packed(s, shape.positions * kTileColumns)) {}

  Real *k, *v;   ///< rows side by side
  Real* q;       ///< of the block, transposed
  Real* y;       ///< of the block, transposed
  Real* rows;    ///< to transpose y
  Real* scores;  ///< of the block: (keys, kTileColumns)
};

/// The largest score of each query. NaN is passed over here and comes back with the exponentials.
QueryRow largest_scores(const Real* scores, Index keys) {
  Vector low = load(scores);
  Vector high = load(scores + kLanes);
  for (Index j = 1; j < keys; ++j) {
    const Vector a = load(scores + j * kTileColumns);
    const Vector b = load(scores + j * kTileColumns + kLanes);
    low = a > low ? a : low;
    high = b > high ? b : high;
  }
  QueryRow row;
  store(row.data(), low);
  store(row.data() + kLanes, high);
  return row;
}

/// 1 / sum over the keys of e(key, .), key after key.
QueryRow inverse_sums(const Real* e, Index keys) {
  Vector low{};
  Vector high{};
  for (Index j = 0; j < keys; ++j) {
    low += load(e + j * kTileColumns);
    high += load(e + j * kTileColumns + kLanes);
  }
  QueryRow row;
  store(row.data(), Real{1} / low);
  store(row.data() + kLanes, Real{1} / high);
  return row;
}

void scale_rows(Real* rows, Index count, const QueryRow& factors) {
  const Vector low = load(factors.data());
  const Vector high = load(factors.data() + kLanes);
  for (Index c = 0; c < count; ++c) {
    Real* const row = rows + c * kTileColumns;
    store(row, load(row) * low);
    store(row + kLanes, load(row + kLanes) * high);
  }
}

/// y = softmax(q k^T / sqrt(d)) v of one head, whose q, k and v are `channels` apart in rows of
/// three times as many.
void forward_head(const AttentionShape& shape, const Real* q, Real* y,
                  const RowStatistics& statistics, const ForwardScratch& room) {
  const Index channels = shape.channels();
  const Index stride = 3 * channels;
  copy_positions(shape, q + channels, stride, room.k);
  copy_positions(shape, q + 2 * channels, stride, room.v);
  for (Index b = 0; b < query_blocks(shape); ++b) {
    const QueryBlock block = query_block(shape, b);
    pack_queries(shape, block, q, stride, room.q);
    multiply_positions(shape, block, room.k, room.q, room.scores);
    mask_scores(shape, block, room.scores);
    const QueryRow largest = largest_scores(room.scores, block.keys);
    exponentials(shape, block, largest, room.scores);
    const QueryRow inverse_sum = inverse_sums(room.scores, block.keys);
    multiply_channels(shape, block, room.v, room.scores, room.y);
    scale_rows(room.y, shape.width, inverse_sum);
    unpack_queries(shape, block, room.y, y, channels, room.rows);
    std::copy_n(largest.data(), block.count, statistics.largest + block.first);
    std::copy_n(inverse_sum.data(), block.count, statistics.inverse_sum + block.first);
  }
}

}  // namespace

Index attention_statistics(const AttentionShape& shape) {
  return 2 * shape.heads * shape.positions;
}

Index attention_forward_scratch(const AttentionShape& shape) {
  return Scratch::size_of<ForwardScratch>(shape);
}

void attention_forward(const AttentionShape& shape, ConstMatrix qkv, Matrix y,
                       std::span<Real> statistics, std::span<Real> scratch) {
  assert(qkv.columns == 3 * shape.channels() && y.columns == shape.channels());
  const Index positions = shape.positions;
  parallel_for(y.rows / positions * shape.heads, [&](Index i) {
    const Index row = i / shape.heads * positions;
    const Index channel = i % shape.heads * shape.width;
    Real* const kept = statistics.data() + 2 * i * positions;
    Scratch own(scratch_of_thread(scratch));
    forward_head(shape, qkv.data + row * qkv.columns + channel, y.data + row * y.columns + channel,
                 {kept, kept + positions}, ForwardScratch(own, shape));
  });
}

}  // namespace lockstep::kernels
