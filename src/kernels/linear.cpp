#include "lockstep/kernels/linear.hpp"

#include <algorithm>
#include <cassert>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/kernels/gemm.hpp"

namespace lockstep::kernels {
namespace {

// Tile sizes are part of the contract of equal bits: a product of another shape may round
// differently. They depend on nothing but the layer.
constexpr Index kColumnTile = 512;  // columns of one forward or input-gradient product
constexpr Index kGradientRows =
    128;  // tile of a weight gradient: its partial sums stay in the second-level cache
constexpr Index kGradientColumns = 512;
constexpr Index kBiasColumns = 512;

struct Tiles {
  Index tile, count;
};

Tiles tiles_of(Index size, Index tile) { return {tile, (size + tile - 1) / tile}; }

// The microbatches of `block` among those of the share.
RowBlocks rows_of(const RowBlocks& rows, Share block) {
  const auto first = static_cast<std::size_t>(block.first - rows.microbatches.front().index);
  return {rows.microbatches.subspan(first, static_cast<std::size_t>(block.count)), rows.positions};
}

void add_bias(Matrix y, RowBlock rows, Index begin, Index end, std::span<const Real> bias) {
  for (Index i = rows.first; i < rows.first + rows.count; ++i) {
    Real* row = y.data + i * y.columns;
    for (Index j = begin; j < end; ++j) row[j] += bias[static_cast<std::size_t>(j)];
  }
}

void weight_gradient_tile(const RowBlocks& rows, ConstMatrix x, ConstMatrix dy,
                          const LinearGradient& gradient, Index tile, std::span<Real> scratch) {
  const Tiles down = tiles_of(x.columns, kGradientRows);
  const Index row = tile % down.count * kGradientRows;
  const Index column = tile / down.count * kGradientColumns;
  const Index height = std::min(kGradientRows, x.columns - row);
  const Index width = std::min(kGradientColumns, dy.columns - column);

  OrderedSum sum(scratch, height * width);
  const RowBlocks leaves = rows_of(rows, gradient.block);
  for (Index leaf = 0; leaf < leaves.size(); ++leaf) {
    const RowBlock r = leaves[leaf];
    gemm({.transpose_a = Transpose::yes,
          .m = height,
          .n = width,
          .k = r.count,
          .lda = x.columns,
          .ldb = dy.columns,
          .ldc = width},
         x.data + r.first * x.columns + row, dy.data + r.first * dy.columns + column,
         sum.next().data());
    sum.push({r.index, 1});
  }
  const std::span<const Real> total = sum.finish();
  for (Index i = 0; i < height; ++i) {
    std::copy_n(total.data() + i * width, width, gradient.dw + (row + i) * dy.columns + column);
  }
}

void bias_gradient_tile(const RowBlocks& rows, ConstMatrix dy, const LinearGradient& gradient,
                        Index tile, std::span<Real> scratch) {
  const Index column = tile * kBiasColumns;
  const Index width = std::min(kBiasColumns, dy.columns - column);

  OrderedSum sum(scratch, width);
  const RowBlocks leaves = rows_of(rows, gradient.block);
  for (Index leaf = 0; leaf < leaves.size(); ++leaf) {
    const RowBlock r = leaves[leaf];
    const std::span<Real> total = sum.next();
    std::fill(total.begin(), total.end(), Real{0});
    for (Index i = r.first; i < r.first + r.count; ++i) {
      const Real* row = dy.data + i * dy.columns + column;
      for (Index j = 0; j < width; ++j) total[static_cast<std::size_t>(j)] += row[j];
    }
    sum.push({r.index, 1});
  }
  std::ranges::copy(sum.finish(), gradient.dbias.begin() + column);
}

}  // namespace

void linear_forward(const RowBlocks& rows, ConstMatrix x, ConstMatrix w, std::span<const Real> bias,
                    Matrix y) {
  const Tiles across = tiles_of(y.columns, kColumnTile);
  parallel_for(rows.size() * across.count, [&](Index task) {
    const RowBlock r = rows[task / across.count];
    const Index begin = task % across.count * across.tile;
    const Index end = std::min(begin + across.tile, y.columns);
    gemm({.m = r.count,
          .n = end - begin,
          .k = x.columns,
          .lda = x.columns,
          .ldb = w.columns,
          .ldc = y.columns},
         x.data + r.first * x.columns, w.data + begin, y.data + r.first * y.columns + begin);
    if (!bias.empty()) add_bias(y, r, begin, end, bias);
  });
}

void linear_input_gradient(const RowBlocks& rows, ConstMatrix dy, ConstMatrix w, Matrix dx) {
  const Tiles across = tiles_of(dx.columns, kColumnTile);
  parallel_for(rows.size() * across.count, [&](Index task) {
    const RowBlock r = rows[task / across.count];
    const Index begin = task % across.count * across.tile;
    const Index end = std::min(begin + across.tile, dx.columns);
    gemm({.transpose_b = Transpose::yes,
          .m = r.count,
          .n = end - begin,
          .k = dy.columns,
          .lda = dy.columns,
          .ldb = w.columns,
          .ldc = dx.columns},
         dy.data + r.first * dy.columns, w.data + begin * w.columns,
         dx.data + r.first * dx.columns + begin);
  });
}

void linear_weight_gradient(const RowBlocks& rows, ConstMatrix x, ConstMatrix dy,
                            std::span<const LinearGradient> gradients, std::span<Real> scratch) {
  const Index weight_tiles =
      tiles_of(x.columns, kGradientRows).count * tiles_of(dy.columns, kGradientColumns).count;
  const Index bias_tiles = tiles_of(dy.columns, kBiasColumns).count;
  const Index tasks = weight_tiles + bias_tiles;
  const auto share = static_cast<std::size_t>(linear_gradient_scratch(rows.size(), 1));
  assert(scratch.size() >= share * static_cast<std::size_t>(thread_count()));

  parallel_for(static_cast<Index>(gradients.size()) * tasks, [&](Index i) {
    const LinearGradient& gradient = gradients[static_cast<std::size_t>(i / tasks)];
    const Index task = i % tasks;
    const auto mine = scratch.subspan(share * static_cast<std::size_t>(thread_number()), share);
    if (task < weight_tiles) {
      weight_gradient_tile(rows, x, dy, gradient, task, mine);
    } else if (!gradient.dbias.empty()) {
      bias_gradient_tile(rows, dy, gradient, task - weight_tiles, mine);
    }
  });
}

Index linear_gradient_scratch(Index microbatches, int threads) {
  return threads *
         OrderedSum::memory_for(std::max<Index>(microbatches, 1), kGradientRows * kGradientColumns);
}

}  // namespace lockstep::kernels
