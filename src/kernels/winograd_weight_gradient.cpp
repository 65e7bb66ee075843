#include <algorithm>

#include "kernels/bias_gradient.hpp"
#include "kernels/blocking.hpp"
#include "kernels/packing.hpp"
#include "kernels/tile.hpp"
#include "kernels/winograd.hpp"
#include "lockstep/base/ordered_sum.hpp"

// dw at each of the 16 points = sum over tiles of (what the tile sees)^T (A dy A^T). All threads
// take some tiles of images together: first they transform them, then each sums its tiles of dw
// over them. At the end of a microbatch the sums are transformed back.

namespace lockstep::kernels {
namespace {

/// Tiles of images that each thread transforms at a time.
constexpr Index kTilesPerTask = 16;

/// The matrices of all points: x and dy of some tiles, and the sums.
struct Points {
  Index inputs, outputs;
  Index together;                   ///< tiles of images
  Index x_step, dy_step, sum_step;  ///< from point to point

  Points(const Convolution& conv, int threads)
      : inputs(conv.input.channels),
        outputs(conv.output.channels),
        together(
            threads *
            std::max<Index>(blocking().winograd_images / kWinogradPoints / (inputs + outputs), 64)),
        x_step(winograd_step(together * inputs)),
        dy_step(winograd_step(together * outputs)),
        sum_step(winograd_step(inputs * outputs)) {}

  /// Outputs lie in pieces of one tile's columns, one after the other.
  [[nodiscard]] Index pieces() const { return pieces_of(outputs, kTileColumns); }
  [[nodiscard]] Index width(Index piece) const {
    return std::min(kTileColumns, outputs - piece * kTileColumns);
  }
  [[nodiscard]] Strips strips() const { return {0, inputs}; }
};

struct WinogradGradientScratch {
  WinogradGradientScratch(Scratch& s, const Points& p, const PanelLayout& weight,
                          Index microbatches, int threads)
      : x_points(s.take<Real>(kWinogradPoints * p.x_step).data()),
        dy_points(s.take<Real>(kWinogradPoints * p.dy_step).data()),
        sums(s.take<Real>(kWinogradPoints * p.sum_step).data()),
        borders(s.take_for_threads(threads, kWinogradPoints * std::max(p.inputs, p.outputs))),
        stack(s.take<Real>(
            std::max(OrderedSum::memory_for(microbatches, weight.rows * p.outputs),
                     threads * OrderedSum::memory_for(microbatches, PanelLayout::kWidth)))) {}

  Real *x_points, *dy_points, *sums;
  std::span<Real> borders;
  std::span<Real> stack;  ///< of dw, then of each thread: of dbias
};

struct Operands {
  const Convolution& conv;
  Points points;
  WinogradTiles tiles;
  const Real* x;
  const Real* dy;
  Real* x_points;
  Real* dy_points;
  Real* sums;
  std::span<Real> borders;
};

/// Of tiles [begin, end), the first of which is number `first` of those that are together.
void transform_tiles(const Operands& o, Index begin, Index end, Index first) {
  const Points& p = o.points;
  const Convolution& c = o.conv;
  Real* const border = scratch_of_thread(o.borders).data();
  for (Index t = begin; t < end; ++t) {
    const auto at = o.tiles.at(t);
    const Patch seen = patch_of(c.input, o.x + at.sample * c.input.size(), at.row - c.rows.before,
                                at.column - c.columns.before, kWinogradPatch, border);
    const Index place = first + t - begin;
    for (Index i = 0; i < p.inputs; i += kLanes) {
      store_block(transform<InputTransform>(load_block<kWinogradPatch>(seen.data + i, seen.steps)),
                  o.x_points + place * p.inputs + i, {kWinogradPatch * p.x_step, p.x_step});
    }
    const Patch blamed = patch_of(c.output, o.dy + at.sample * c.output.size(), at.row, at.column,
                                  kWinogradTile, border);
    for (Index i = 0; i < p.outputs; i += kLanes) {
      const Index piece = i / kTileColumns;
      store_block(transform<OutputGradientTransform>(
                      load_block<kWinogradTile>(blamed.data + i, blamed.steps)),
                  o.dy_points + piece * kTileColumns * p.together + place * p.width(piece) +
                      i % kTileColumns,
                  {kWinogradPatch * p.dy_step, p.dy_step});
    }
  }
}

/// One tile of dw at one point, over `count` tiles of images.
void sum_tile(const Operands& o, Index index, Index count, bool first) {
  const Points& p = o.points;
  const Strips strips = p.strips();
  const Index strip = index % strips.count();
  const Index piece = index / strips.count() % p.pieces();
  const Index point = index / strips.count() / p.pieces();
  const Index width = p.width(piece);
  const Index column = piece * kTileColumns;
  Real* const sums = o.sums + point * p.sum_step + column * p.inputs + strips.first(strip) * width;
  multiply_tile({.rows = strips.rows(strip),
                 .columns = width,
                 .depth = count,
                 .a = o.x_points + point * p.x_step + strips.first(strip),
                 .a_step = p.inputs,
                 .b = o.dy_points + point * p.dy_step + column * p.together,
                 .b_stride = width,
                 .start = first ? nullptr : sums,
                 .start_stride = width,
                 .out = sums,
                 .out_stride = width});
}

/// dw[place of the window][input][output] of one microbatch from its sums.
void finish_input(const Operands& o, Index input, Real* dw) {
  const Points& p = o.points;
  const Index place = p.inputs * p.outputs;
  for (Index i = 0; i < p.outputs; i += kLanes) {
    const Index piece = i / kTileColumns;
    const auto sums = load_block<kWinogradPatch>(
        o.sums + piece * kTileColumns * p.inputs + input * p.width(piece) + i % kTileColumns,
        {kWinogradPatch * p.sum_step, p.sum_step});
    store_block(transform<WeightGradientTransform>(sums), dw + input * p.outputs + i,
                {kWinogradWindow * place, place});
  }
}

void sum_microbatch(const Operands& o, Range samples, std::span<Real> dw) {
  const Points& p = o.points;
  const Index first = samples.begin * o.tiles.each();
  const Index end = samples.end * o.tiles.each();
  Index begin = first;
  do {  // once if there is no sample, for sums of zero
    const Index count = std::min(p.together, end - begin);
    parallel_for_tiles(count, kTilesPerTask, [&](Index from, Index to) {
      transform_tiles(o, begin + from, begin + to, from);
    });
    parallel_for(kWinogradPoints * p.pieces() * p.strips().count(),
                 [&](Index i) { sum_tile(o, i, count, begin == first); });
    begin += p.together;
  } while (begin < end);
  parallel_for(p.inputs, [&](Index input) { finish_input(o, input, dw.data()); });
}

}  // namespace

void winograd_weight_gradient(const Convolution& conv, const RowBlocks& rows, const Real* x,
                              const Real* dy, std::span<const LinearGradient> gradients,
                              std::span<Real> scratch) {
  const Points points(conv, thread_count());
  const Index positions = conv.output.positions();
  const PanelLayout weight = conv.weight();
  Scratch memory(scratch);
  const WinogradGradientScratch room(memory, points, weight, rows.size(), thread_count());
  const Operands o{
      conv,      points,      WinogradTiles(conv.output), x, dy, room.x_points, room.dy_points,
      room.sums, room.borders};
  for (const LinearGradient& gradient : gradients) {
    const RowBlocks leaves = rows_of(rows, gradient.block);
    OrderedSum sum(room.stack, weight.rows * points.outputs);
    for (Index i = 0; i < leaves.size(); ++i) {
      const RowBlock leaf = leaves[i];
      sum_microbatch(o, {leaf.first / positions, (leaf.first + leaf.count) / positions},
                     sum.next());
      sum.push({leaf.index, 1});
    }
    const Real* const total = sum.finish().data();
    parallel_for(weight.panels(), [&](Index p) {
      pack_rows(total + p * PanelLayout::kWidth, points.outputs, weight.rows, weight.used(p),
                weight.width(p), gradient.dw + weight.begin(p));
    });
  }
  const Index panels = weight.panels();
  parallel_for(static_cast<Index>(gradients.size()) * panels, [&](Index i) {
    const LinearGradient& gradient = gradients[static_cast<std::size_t>(i / panels)];
    if (gradient.dbias.empty()) return;
    const Index first = i % panels * PanelLayout::kWidth;
    const Index used = weight.used(i % panels);
    sum_bias(
        rows_of(rows, gradient.block), dy + first, points.outputs, used,
        gradient.dbias.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(used)),
        scratch_of_thread(room.stack));
  });
}

Index winograd_weight_gradient_scratch(const Convolution& conv, Index microbatches, int threads) {
  return Scratch::size_of<WinogradGradientScratch>(Points(conv, threads), conv.weight(),
                                                   microbatches, threads);
}

}  // namespace lockstep::kernels
