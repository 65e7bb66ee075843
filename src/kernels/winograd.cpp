#include "kernels/winograd.hpp"

#include <algorithm>

#include "kernels/blocking.hpp"
#include "kernels/packing.hpp"
#include "kernels/tile.hpp"

// The weights are transformed once; then each task takes some tiles of the result, transforms what
// they see, multiplies at each of the 16 points, and transforms the products back.

namespace lockstep::kernels {
namespace {

/// w at the 16 points, each in panels of its own.
GroupedWeight transform_weight(const Sliding& s, const GroupedWeight& w, Real* to) {
  const PanelLayout own{s.inputs(), s.outputs()};
  const Index step = winograd_step(own.size());
  parallel_for(own.panels(), [&](Index p) {
    const Index width = own.width(p);
    const Index column = own.rows * width;  // from place to place of the window
    const Real* from = w.data + w.layout.begin(p);
    for (Index i = 0; i < own.rows * width; i += kLanes) {
      const auto block = load_block<kWinogradWindow>(from + i, {kWinogradWindow * column, column});
      store_block(transform<WeightTransform>(block), to + own.begin(p) + i,
                  {kWinogradPatch * step, step});
    }
  });
  return {to, own, step};
}

/// Tiles that one task handles at a time, at most: two strips of a product or more.
Index most_tiles(const Sliding& s) {
  return std::max(blocking().winograd_tiles / kWinogradPoints / (s.inputs() + s.outputs()),
                  2 * kTileRows);
}

/// The same of `count` in all, so that all threads have work.
Index tiles_together(const Sliding& s, Index count) {
  const Index threads = thread_count();
  const Index most =
      threads == 1 ? most_tiles(s) : std::min(most_tiles(s), pieces_of(count, 4 * threads));
  return std::max<Index>(most / kTileRows, 2) * kTileRows;
}

/// The tiles of one task, at all points: a row of inputs, and one of outputs, for each tile.
struct Batch {
  Index tiles;
  Index inputs_step;   ///< from point to point
  Index outputs_step;  ///< from point to point
  Real* inputs;
  Real* outputs;
  Real* border;

  Batch(Scratch& scratch, const Sliding& s, Index count)
      : tiles(count),
        inputs_step(winograd_step(count * s.inputs())),
        outputs_step(winograd_step(count * s.outputs())),
        inputs(scratch.take<Real>(kWinogradPoints * inputs_step).data()),
        outputs(scratch.take<Real>(kWinogradPoints * outputs_step).data()),
        border(scratch.take<Real>(kWinogradPoints * s.inputs()).data()) {}
};

struct WinogradScratch {
  WinogradScratch(Scratch& scratch, const Sliding& s, int threads)
      : points(scratch.take<Real>(kWinogradPoints *
                                  winograd_step(PanelLayout{s.inputs(), s.outputs()}.size()))),
        own(scratch.take_for_threads(threads, Scratch::size_of<Batch>(s, most_tiles(s)))) {}

  std::span<Real> points;  ///< of the weights
  std::span<Real> own;     ///< of each thread: its batch
};

void transform_inputs(const Sliding& s, const WinogradTiles& tiles, Index first, const Real* from,
                      const Batch& batch) {
  for (Index t = 0; t < batch.tiles; ++t) {
    const auto at = tiles.at(first + t);
    const Patch patch =
        patch_of(s.frame.image, from + at.sample * s.frame.image.size(), at.row - s.frame.top,
                 at.column - s.frame.left, kWinogradPatch, batch.border);
    Real* const to = batch.inputs + t * s.inputs();
    for (Index c = 0; c < s.inputs(); c += kLanes) {
      const auto block = load_block<kWinogradPatch>(patch.data + c, patch.steps);
      store_block(transform<InputTransform>(block), to + c,
                  {kWinogradPatch * batch.inputs_step, batch.inputs_step});
    }
  }
}

void multiply(const Sliding& s, const GroupedWeight& w, const Batch& batch) {
  const Strips strips{0, batch.tiles};
  for (Index point = 0; point < kWinogradPoints; ++point) {
    for (Index column = 0; column < s.outputs(); column += kTileColumns) {
      const Index p = column / PanelLayout::kWidth;
      const Index within = column % PanelLayout::kWidth;
      for (Index strip = 0; strip < strips.count(); ++strip) {
        multiply_tile(
            {.rows = strips.rows(strip),
             .columns = std::min(kTileColumns, s.outputs() - column),
             .depth = s.inputs(),
             .a = batch.inputs + point * batch.inputs_step + strips.first(strip) * s.inputs(),
             .a_step = s.inputs(),
             .a_in_rows = true,
             .b = w.data + point * w.step + w.layout.begin(p) + within,
             .b_stride = w.layout.width(p),
             .out = batch.outputs + point * batch.outputs_step + strips.first(strip) * s.outputs() +
                    column,
             .out_stride = s.outputs()});
      }
    }
  }
}

void transform_outputs(const Sliding& s, const WinogradTiles& tiles, Index first,
                       const Batch& batch, std::span<const Real> bias, Real* to) {
  for (Index t = 0; t < batch.tiles; ++t) {
    const auto at = tiles.at(first + t);
    const Index lines = std::min(kWinogradTile, s.result.height - at.row);
    const Index columns = std::min(kWinogradTile, s.result.width - at.column);
    const Real* const from = batch.outputs + t * s.outputs();
    Real* const place = to + at.sample * s.place.sample + s.place.first + at.row * s.place.line +
                        at.column * s.place.column;
    for (Index o = 0; o < s.outputs(); o += kLanes) {
      const auto y = transform<OutputTransform>(load_block<kWinogradPatch>(
          from + o, {kWinogradPatch * batch.outputs_step, batch.outputs_step}));
      const Vector start = bias.empty() ? Vector{} : load(bias.data() + o);
      for (Index i = 0; i < lines; ++i) {
        for (Index j = 0; j < columns; ++j) {
          store(place + i * s.place.line + j * s.place.column + o, start + y.lines[i].at[j]);
        }
      }
    }
  }
}

}  // namespace

bool is_winograd(const Sliding& s) {
  const auto plain = [](const Window& w) {
    return w.size == kWinogradWindow && w.stride == 1 && w.dilation == 1;
  };
  const Index direct = kWinogradWindow * kWinogradWindow * s.result.positions();
  return s.groups == 1 && plain(s.rows) && plain(s.columns) && s.frame.line_step == 1 &&
         s.frame.column_step == 1 && s.inputs() % kWinogradChannels == 0 &&
         s.outputs() % kWinogradChannels == 0 &&
         10 * kWinogradPoints * WinogradTiles(s.result).each() <= 7 * direct;
}

bool has_winograd_gradient(const Convolution& conv) {
  constexpr Index kManyTiles = 16;
  constexpr Index kFewWeights = 128 * 128;
  return is_winograd(over_inputs(conv)) &&
         (WinogradTiles(conv.output).each() >= kManyTiles ||
          conv.input.channels * conv.output.channels <= kFewWeights);
}

Patch patch_of(const Shape& image, const Real* data, Index row, Index column, Index size,
               Real* border) {
  const Index channels = image.channels;
  const Index line = image.width * channels;
  if (row >= 0 && column >= 0 && row + size <= image.height && column + size <= image.width) {
    return {data + row * line + column * channels, {line, channels}};
  }
  const Index hidden = std::max<Index>(-column, 0);
  const Index seen = std::clamp<Index>(image.width - column, hidden, size) - hidden;
  for (Index i = 0; i < size; ++i) {
    Real* const end = border + (i + 1) * size * channels;
    Real* out = border + i * size * channels;
    if (0 <= row + i && row + i < image.height) {
      out = std::fill_n(out, hidden * channels, Real{0});
      out =
          std::copy_n(data + (row + i) * line + (column + hidden) * channels, seen * channels, out);
    }
    std::fill(out, end, Real{0});
  }
  return {border, {size * channels, channels}};
}

void slide_winograd(const Sliding& s, Index samples, const Real* from, const GroupedWeight& w,
                    std::span<const Real> bias, Real* to, std::span<Real> scratch) {
  Scratch memory(scratch);
  const WinogradScratch room(memory, s, thread_count());
  const GroupedWeight points = transform_weight(s, w, room.points.data());
  const WinogradTiles tiles(s.result);
  const Index count = samples * tiles.each();
  parallel_for_tiles(count, tiles_together(s, count), [&](Index begin, Index end) {
    Scratch own(scratch_of_thread(room.own));
    const Batch batch(own, s, end - begin);
    transform_inputs(s, tiles, begin, from, batch);
    multiply(s, points, batch);
    transform_outputs(s, tiles, begin, batch, bias, to);
  });
}

Index slide_winograd_scratch(const Sliding& s, int threads) {
  return Scratch::size_of<WinogradScratch>(s, threads);
}

}  // namespace lockstep::kernels
