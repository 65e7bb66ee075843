#pragma once

#include "kernels/blocking.hpp"
#include "kernels/frame.hpp"
#include "lockstep/kernels/conv.hpp"

// What forward product and input gradient share: a window that slides over a frame.

namespace lockstep::kernels {

/// Weights of all groups, each in panels of its own.
struct GroupedWeight {
  const Real* data = nullptr;
  PanelLayout layout;  ///< of one group
  Index step = 0;      ///< from group to group

  [[nodiscard]] static Index step_of(const PanelLayout& layout) {
    return aligned<Real>(layout.size() + PanelLayout::kGap);
  }
};

/// Where the numbers of a result go.
struct Placement {
  Index first = 0;
  Index sample = 0;  ///< from sample to sample
  Index line = 0;
  Index column = 0;
};

struct Sliding {
  Frame frame;
  Window rows;     ///< over lines of the frame
  Window columns;  ///< within a line
  Index groups = 1;
  Shape result;
  Placement place;

  [[nodiscard]] Index inputs() const { return frame.image.channels / groups; }
  [[nodiscard]] Index outputs() const { return result.channels / groups; }
  /// The weights of one group as a matrix.
  [[nodiscard]] PanelLayout weight() const {
    return {rows.size * columns.size * inputs(), outputs()};
  }
  /// Lines of the frame that some lines of the result see.
  [[nodiscard]] Range framed(Range lines) const {
    return {lines.begin * rows.stride, (lines.end - 1) * rows.stride + rows.span()};
  }
  /// Whether the places of a line of the window lie side by side.
  [[nodiscard]] bool merges_places() const { return columns.dilation == 1 && groups == 1; }
};

/// The window over x.
[[nodiscard]] inline Sliding over_inputs(const Convolution& c) {
  return {.frame = {.image = c.input,
                    .height = (c.output.height - 1) * c.rows.stride + c.rows.span(),
                    .width = (c.output.width - 1) * c.columns.stride + c.columns.span(),
                    .top = c.rows.before,
                    .left = c.columns.before},
          .rows = c.rows,
          .columns = c.columns,
          .groups = c.groups,
          .result = c.output,
          .place = {.first = 0,
                    .sample = c.output.size(),
                    .line = c.output.width * c.output.channels,
                    .column = c.output.channels}};
}

/// Which places of an axis of x one window over dy serves, and how. Positions of y that are
/// `stride` apart see every stride-th place, so the places of an axis fall into `stride` phases,
/// each with the part of the kernel that it meets. A dilated window is served in one phase, over dy
/// with zeros between.
struct OutputAxis {
  Index taps = 0;  ///< of the kernel, turned by half: last_tap, last_tap - tap_step, ...
  Index last_tap = 0;
  Index tap_step = 1;
  Index before = 0;    ///< zeros in front of dy; below zero: places of dy that nobody sees
  Index spread = 1;    ///< from place to place of dy
  Index dilation = 1;  ///< from tap to tap
  Index first = 0;     ///< place of x
  Index step = 1;      ///< to the next
  Index count = 0;     ///< of them

  [[nodiscard]] static Index phases(const Window& w) { return w.dilation == 1 ? w.stride : 1; }

  OutputAxis(const Window& w, Index length, Index phase) {
    if (w.dilation > 1) {
      taps = w.size;
      last_tap = w.size - 1;
      before = w.span() - 1 - w.before;
      spread = w.stride;
      dilation = w.dilation;
      count = length;
      return;
    }
    taps = phase < w.size ? pieces_of(w.size - phase, w.stride) : 0;
    last_tap = phase + (taps - 1) * w.stride;
    tap_step = w.stride;
    const Index from = phase < w.before ? pieces_of(w.before - phase, w.stride) : 0;
    before = taps - 1 - from;
    first = from * w.stride + phase - w.before;
    step = w.stride;
    count = first < length ? pieces_of(length - first, w.stride) : 0;
  }

  [[nodiscard]] Window window() const { return {.size = taps, .stride = 1, .dilation = dilation}; }
  /// Places of the frame of dy.
  [[nodiscard]] Index framed() const { return count + window().span() - 1; }
};

/// The window over dy that gives the places of dx in one phase.
[[nodiscard]] inline Sliding over_outputs(const Convolution& c, const OutputAxis& rows,
                                          const OutputAxis& columns) {
  const Index channels = c.input.channels;
  const Index line = c.input.width * channels;
  return {.frame = {.image = c.output,
                    .height = rows.framed(),
                    .width = columns.framed(),
                    .top = rows.before,
                    .left = columns.before,
                    .line_step = rows.spread,
                    .column_step = columns.spread},
          .rows = rows.window(),
          .columns = columns.window(),
          .groups = c.groups,
          .result = {rows.count, columns.count, channels},
          .place = {.first = rows.first * line + columns.first * channels,
                    .sample = c.input.size(),
                    .line = rows.step * line,
                    .column = columns.step * channels}};
}

/// Numbers of scratch that slide() needs.
[[nodiscard]] Index slide_scratch(const Sliding& sliding, int threads);

/// The memory of conv_forward and conv_input_gradient.
struct SlidingScratch {
  SlidingScratch(Scratch& scratch, const Sliding& s, int threads)
      : weight(scratch.take<Real>(s.groups * GroupedWeight::step_of(s.weight())).data()),
        rest(scratch.take<Real>(slide_scratch(s, threads))) {}

  Real* weight;  ///< of all groups
  std::span<Real> rest;
};

/// to = start + window(from); `bias` may be empty.
void slide(const Sliding& sliding, Index samples, const Real* from, const GroupedWeight& w,
           std::span<const Real> bias, Real* to, std::span<Real> scratch);

}  // namespace lockstep::kernels
