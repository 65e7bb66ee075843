#include <cassert>

#include "kernels/bias_gradient.hpp"
#include "kernels/blocking.hpp"
#include "kernels/conv_geometry.hpp"
#include "kernels/conv_tile.hpp"
#include "kernels/packing.hpp"
#include "kernels/winograd.hpp"
#include "lockstep/base/ordered_sum.hpp"

// dw of one place of the window = sum over positions of (what the place sees)^T dy. First all
// images are framed and dy is packed in panels, for all threads; then each task takes some tiles of
// dw through all microbatches, a few samples at a time, so that these lie in the second-level
// cache.

namespace lockstep::kernels {
namespace {

constexpr Index kWidth = PanelLayout::kWidth;

/// The tiles of dw: for each group, line and place of the window, strips of numbers that lie side
/// by side against pieces of panels.
struct Tiles {
  explicit Tiles(const Convolution& conv) : sliding(over_inputs(conv)) {
    const bool merged = sliding.merges_places();
    lines = conv.rows.size;
    places = merged ? 1 : conv.columns.size;
    depth = merged ? conv.columns.size * conv.inputs() : conv.inputs();
    outputs = {conv.weight().rows, conv.outputs()};
    for (Index p = 0; p < outputs.panels(); ++p) {
      pieces += pieces_of(outputs.width(p), kTileColumns);
    }
  }

  [[nodiscard]] Index per_group() const { return lines * places * strips().count() * pieces; }
  [[nodiscard]] Index count() const { return sliding.groups * per_group(); }
  [[nodiscard]] Strips strips() const { return {0, depth}; }

  Sliding sliding;
  Index lines = 0;
  Index places = 0;     ///< of a line, each with numbers of its own
  Index depth = 0;      ///< numbers of a place
  PanelLayout outputs;  ///< of one group
  Index pieces = 0;     ///< of all panels of a group
};

/// One of them.
struct PlacedTile {
  Index group, line, place, strip, panel, column;

  PlacedTile(const Tiles& tiles, Index index) {
    constexpr Index kPieces = kWidth / kTileColumns;  // only the last panel may have fewer
    const Index piece = index % tiles.pieces;
    panel = piece / kPieces;
    column = piece % kPieces * kTileColumns;
    index /= tiles.pieces;
    strip = index % tiles.strips().count();
    index /= tiles.strips().count();
    place = index % tiles.places;
    index /= tiles.places;
    line = index % tiles.lines;
    group = index / tiles.lines;
  }
  [[nodiscard]] Index columns(const Tiles& t) const {
    return std::min(kTileColumns, t.outputs.width(panel) - column);
  }
  [[nodiscard]] Index size(const Tiles& t) const { return t.strips().rows(strip) * columns(t); }
};

struct Operands {
  const Convolution& conv;
  const Tiles& tiles;
  const RowBlocks& rows;
  Index positions;     ///< of one sample
  Index all;           ///< positions of all samples
  const Real* frames;  ///< of all samples
  Index frame_step;
  const Real* dy;  ///< packed: panel p of group g begins at (g panels + p) * kWidth * all
};

/// Adds some samples to one tile.
void add_samples(const Operands& o, const PlacedTile& at, Range samples, bool first, Real* sums) {
  const Tiles& t = o.tiles;
  const Sliding& s = t.sliding;
  const Index channels = s.frame.image.channels;
  const Index width = t.outputs.width(at.panel);
  const Index begin = (at.group * t.outputs.panels() + at.panel) * kWidth * o.all;
  multiply_conv_gradient_tile({.rows = t.strips().rows(at.strip),
                               .columns = at.columns(t),
                               .samples = samples.size(),
                               .lines = s.result.height,
                               .depth = s.result.width,
                               .a = o.frames + samples.begin * o.frame_step +
                                    at.line * s.rows.dilation * s.frame.line() +
                                    at.place * s.columns.dilation * channels +
                                    at.group * s.inputs() + t.strips().first(at.strip),
                               .a_sample = o.frame_step,
                               .a_line = s.rows.stride * s.frame.line(),
                               .a_step = s.columns.stride * channels,
                               .b = o.dy + begin + samples.begin * o.positions * width + at.column,
                               .b_stride = width,
                               .sums = sums,
                               .first = first});
}

/// The sums of tiles [mine) over one microbatch, one tile after the other.
void sum_microbatch(const Operands& o, Range mine, Range samples, Real* sums) {
  const Index each = o.tiles.sliding.frame.size() + o.positions * o.conv.output.channels;
  const Index together = std::max<Index>(blocking().conv_images / each, 1);
  Index begin = samples.begin;
  do {
    const Range part{begin, std::min(begin + together, samples.end)};
    Real* to = sums;
    for (Index i = mine.begin; i < mine.end; ++i) {
      const PlacedTile tile(o.tiles, i);
      add_samples(o, tile, part, begin == samples.begin, to);
      to += tile.size(o.tiles);
    }
    begin += together;
  } while (begin < samples.end);
}

/// Where the tile belongs in the panels of the whole weight.
void place_tile(const Operands& o, const PlacedTile& at, const Real* sums, Real* dw) {
  const Tiles& t = o.tiles;
  const PanelLayout whole = o.conv.weight();
  const Index columns = at.columns(t);
  const Index first = (at.line * t.places + at.place) * t.depth + t.strips().first(at.strip);
  const Index output = at.group * t.outputs.columns + at.panel * kWidth + at.column;
  const Index used = std::min(columns, t.outputs.used(at.panel) - at.column);
  for (Index i = 0; i < t.strips().rows(at.strip); ++i, sums += columns) {
    if (t.sliding.groups == 1) {  // with the zeros that fill the panel
      std::copy_n(sums, columns, dw + whole.at(first + i, output));
      continue;
    }
    for (Index j = 0; j < used; ++j) dw[whole.at(first + i, output + j)] = sums[j];
  }
}

/// Tiles [mine) of the gradient of one block.
void sum_tiles(const Operands& o, const LinearGradient& gradient, Range mine,
               std::span<Real> stack) {
  Index size = 0;
  for (Index i = mine.begin; i < mine.end; ++i) size += PlacedTile(o.tiles, i).size(o.tiles);
  OrderedSum sum(stack, size);
  const RowBlocks leaves = rows_of(o.rows, gradient.block);
  for (Index i = 0; i < leaves.size(); ++i) {
    const RowBlock leaf = leaves[i];
    sum_microbatch(o, mine, {leaf.first / o.positions, (leaf.first + leaf.count) / o.positions},
                   sum.next().data());
    sum.push({leaf.index, 1});
  }
  const Real* total = sum.finish().data();
  for (Index i = mine.begin; i < mine.end; ++i) {
    const PlacedTile tile(o.tiles, i);
    place_tile(o, tile, total, gradient.dw);
    total += tile.size(o.tiles);
  }
}

struct ConvGradientScratch {
  ConvGradientScratch(Scratch& s, const Tiles& tiles, Index samples, Index microbatches,
                      int threads)
      : frames(s.take<Real>(is_framed(tiles) ? samples * tiles.sliding.frame.size() : 0).data()),
        dy(s.take<Real>(tiles.sliding.groups * tiles.outputs.panels() * kWidth * samples *
                        tiles.sliding.result.positions())
               .data()),
        stacks(s.take_for_threads(
            threads, OrderedSum::memory_for(microbatches,
                                            std::min(blocking().conv_sums,
                                                     tiles.count() * kTileRows * kTileColumns)))) {}

  [[nodiscard]] static bool is_framed(const Tiles& tiles) {
    return !tiles.sliding.frame.is_image();
  }

  Real* frames;            ///< of all images, if they are more than the images
  Real* dy;                ///< packed
  std::span<Real> stacks;  ///< of each thread: of its sums
};

/// Tiles that one task takes at a time.
Index tiles_per_task(const Tiles& tiles) {
  constexpr Index kTasksPerThread = 4;
  const Index few = pieces_of(tiles.count(), kTasksPerThread * thread_count());
  const Index fit = blocking().conv_sums / (kTileRows * kTileColumns);
  return std::clamp<Index>(thread_count() == 1 ? fit : few, 1, fit);
}

}  // namespace

void conv_weight_gradient(const Convolution& conv, const RowBlocks& rows, const Real* x,
                          const Real* dy, std::span<const LinearGradient> gradients,
                          std::span<Real> scratch) {
  if (rows.size() == 0) return;
  const Tiles tiles(conv);
  const Sliding& s = tiles.sliding;
  if (has_winograd_gradient(conv))
    return winograd_weight_gradient(conv, rows, x, dy, gradients, scratch);
  const Index positions = conv.output.positions();
  const RowBlock last = rows[rows.size() - 1];
  const Index samples = (last.first + last.count) / positions;
  Scratch memory(scratch);
  const ConvGradientScratch room(memory, tiles, samples, rows.size(), thread_count());
  Real* const packed = room.dy;
  const bool framed = ConvGradientScratch::is_framed(tiles);
  if (framed) {
    parallel_for(samples, [&](Index i) {
      fill_frame(s.frame, {0, s.frame.height}, x + i * conv.input.size(),
                 room.frames + i * s.frame.size());
    });
  }
  const Index panels = tiles.outputs.panels();
  const Index all = samples * positions;
  parallel_for(s.groups * panels * samples, [&](Index i) {
    const Index panel = i / samples;
    const Index p = panel % panels;
    const Index width = tiles.outputs.width(p);
    const Index first = i % samples * positions;
    pack_rows(dy + first * conv.output.channels + panel / panels * conv.outputs() + p * kWidth,
              conv.output.channels, positions, tiles.outputs.used(p), width,
              packed + panel * kWidth * all + first * width);
  });

  const Operands o{conv,
                   tiles,
                   rows,
                   positions,
                   all,
                   framed ? room.frames : x,
                   framed ? s.frame.size() : conv.input.size(),
                   packed};
  const Index each = tiles_per_task(tiles);
  const Index tasks = pieces_of(tiles.count(), each);
  parallel_for(static_cast<Index>(gradients.size()) * tasks, [&](Index i) {
    const Index task = i % tasks;
    sum_tiles(o, gradients[static_cast<std::size_t>(i / tasks)],
              {task * each, std::min((task + 1) * each, tiles.count())},
              scratch_of_thread(room.stacks));
  });
  parallel_for(static_cast<Index>(gradients.size()) * s.groups * panels, [&](Index i) {
    const LinearGradient& gradient = gradients[static_cast<std::size_t>(i / (s.groups * panels))];
    if (gradient.dbias.empty()) return;
    const Index panel = i % (s.groups * panels);
    const Index p = panel % panels;
    sum_bias(rows_of(rows, gradient.block), packed + panel * kWidth * all, tiles.outputs.width(p),
             tiles.outputs.width(p),
             gradient.dbias.subspan(
                 static_cast<std::size_t>(panel / panels * conv.outputs() + p * kWidth),
                 static_cast<std::size_t>(tiles.outputs.used(p))),
             scratch_of_thread(room.stacks));
  });
}

Index conv_scratch(const Convolution& conv, Index samples, Index microbatches, int threads) {
  samples = std::max<Index>(samples, 1);
  const Index gradient =
      has_winograd_gradient(conv)
          ? winograd_weight_gradient_scratch(conv, microbatches, threads)
          : Scratch::size_of<ConvGradientScratch>(Tiles(conv), samples, microbatches, threads);
  const auto sliding = [&](const Sliding& s) {
    return Scratch::size_of<SlidingScratch>(s, threads);
  };
  Index most = std::max(gradient, sliding(over_inputs(conv)));
  for (Index i = 0; i < OutputAxis::phases(conv.rows); ++i) {
    for (Index j = 0; j < OutputAxis::phases(conv.columns); ++j) {
      most = std::max(most, sliding(over_outputs(conv, {conv.rows, conv.input.height, i},
                                                 {conv.columns, conv.input.width, j})));
    }
  }
  return most;
}

}  // namespace lockstep::kernels
