#include <array>
#include <cassert>

#include "kernels/blocking.hpp"
#include "kernels/conv_geometry.hpp"
#include "kernels/conv_tile.hpp"
#include "kernels/packing.hpp"
#include "kernels/winograd.hpp"

// Each task takes some lines of one image, frames them with zeros, and lets every panel of the
// weights meet them.

namespace lockstep::kernels {
namespace {

using Start = std::array<Real, PanelLayout::kWidth>;

/// Into how many bands of lines each image is cut. No bit depends on it.
Index bands_for(const Sliding& s, Index samples) {
  const Index height = s.result.height;
  const Index large = pieces_of(s.frame.size(), blocking().conv_band);
  const Index threads = thread_count();
  const Index few = threads == 1 ? 1 : pieces_of(2 * threads, std::max<Index>(samples, 1));
  return std::clamp<Index>(std::max(large, few), 1, height);
}

struct Band {
  Range lines;                  ///< of the result
  const Real* frame = nullptr;  ///< what they see
  Real* out = nullptr;          ///< of the whole image
};

/// One line of the result: the outputs [column, column + kept) of panel p of group g.
void slide_line(const Sliding& s, ConvTile tile, Index kept, Real* out) {
  const Strips strips{0, s.result.width};
  const Real* const a = tile.a;
  const Index out_step = s.place.column;
  std::array<Real, kTileRows * kTileColumns> whole;  // where the outputs end within a tile
  for (Index strip = 0; strip < strips.count(); ++strip) {
    const Index first = strips.first(strip);
    Real* const place = out + first * out_step;
    tile.rows = strips.rows(strip);
    tile.a = a + first * tile.a_step;
    tile.out = kept < tile.columns ? whole.data() : place;
    tile.out_stride = kept < tile.columns ? tile.columns : out_step;
    multiply_conv_tile(tile);
    if (kept == tile.columns) continue;
    for (Index i = 0; i < tile.rows; ++i) {
      std::copy_n(whole.data() + i * tile.columns, kept, place + i * out_step);
    }
  }
}

void slide_panel(const Sliding& s, const Band& band, const GroupedWeight& w, Index g, Index p,
                 const Start& start) {
  const Index channels = s.frame.image.channels;
  const Index width = w.layout.width(p);
  const Index used = w.layout.used(p);
  const bool merged = s.merges_places();
  for (Index column = 0; column < used; column += kTileColumns) {
    ConvTile tile{.columns = std::min(kTileColumns, width - column),
                  .lines = s.rows.size,
                  .places = merged ? 1 : s.columns.size,
                  .depth = merged ? s.columns.size * channels : s.inputs(),
                  .a_step = s.columns.stride * channels,
                  .a_line = s.rows.dilation * s.frame.line(),
                  .a_place = s.columns.dilation * channels,
                  .b = w.data + g * w.step + w.layout.begin(p) + column,
                  .b_stride = width,
                  .start = start.data() + column};
    const Index kept = std::min(tile.columns, used - column);
    const Index output = g * s.outputs() + p * PanelLayout::kWidth + column;
    for (Index line = band.lines.begin; line < band.lines.end; ++line) {
      tile.a =
          band.frame + (line - band.lines.begin) * s.rows.stride * s.frame.line() + g * s.inputs();
      slide_line(s, tile, kept, band.out + line * s.place.line + output);
    }
  }
}

/// Panels of each group's own, from those of the whole weight.
GroupedWeight regroup(const Convolution& conv, const Real* w, Real* to) {
  const PanelLayout whole = conv.weight();
  if (conv.groups == 1) return {w, whole, 0};
  const PanelLayout own{whole.rows, conv.outputs()};
  const Index step = GroupedWeight::step_of(own);
  parallel_for(conv.groups, [&](Index g) {
    for (Index row = 0; row < own.rows; ++row) {
      for (Index p = 0; p < own.panels(); ++p) {
        Real* out = to + g * step + own.begin(p) + row * own.width(p);
        std::fill_n(out, own.width(p), Real{0});
        for (Index o = 0; o < own.used(p); ++o) {
          out[o] = w[whole.at(row, g * own.columns + p * PanelLayout::kWidth + o)];
        }
      }
    }
  });
  return {to, own, step};
}

}  // namespace

Index slide_scratch(const Sliding& s, int threads) {
  return is_winograd(s) ? slide_winograd_scratch(s, threads)
                        : threads * aligned<Real>(s.frame.size());
}

void slide(const Sliding& s, Index samples, const Real* from, const GroupedWeight& w,
           std::span<const Real> bias, Real* to, std::span<Real> scratch) {
  if (s.result.positions() == 0) return;
  if (is_winograd(s)) return slide_winograd(s, samples, from, w, bias, to, scratch);
  const Index bands = bands_for(s, samples);
  parallel_for(samples * bands, [&](Index task) {
    const Index sample = task / bands;
    Band band{.lines = piece_of(s.result.height, task % bands, bands),
              .out = to + sample * s.place.sample + s.place.first};
    const Range framed = s.framed(band.lines);
    const Real* const image = from + sample * s.frame.image.size();
    if (s.frame.is_image()) {
      band.frame = image + framed.begin * s.frame.line();
    } else {
      Real* const own = scratch_of_thread(scratch).data();
      fill_frame(s.frame, framed, image, own);
      band.frame = own;
    }
    for (Index g = 0; g < s.groups; ++g) {
      for (Index p = 0; p < w.layout.panels(); ++p) {
        Start start{};
        if (!bias.empty()) {
          std::copy_n(bias.data() + g * s.outputs() + p * PanelLayout::kWidth, w.layout.used(p),
                      start.data());
        }
        slide_panel(s, band, w, g, p, start);
      }
    }
  });
}

void conv_forward(const Convolution& conv, Index samples, const Real* x, const Real* w,
                  std::span<const Real> bias, Real* y, std::span<Real> scratch) {
  const Sliding sliding = over_inputs(conv);
  Scratch memory(scratch);
  const SlidingScratch room(memory, sliding, thread_count());
  slide(sliding, samples, x, regroup(conv, w, room.weight), bias, y, room.rest);
}

}  // namespace lockstep::kernels
