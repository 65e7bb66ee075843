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

struct Sliding {
  Frame frame;
  Window rows;     ///< over lines of the frame
  Window columns;  ///< within a line
  Index groups = 1;
  Shape result;

  [[nodiscard]] Index inputs() const { return frame.image.channels / groups; }
  [[nodiscard]] Index outputs() const { return result.channels / groups; }
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
          .result = c.output};
}

/// The window over dy that gives dx: turned by half, one step at a time, over dy with as many zeros
/// between as steps were left out.
[[nodiscard]] inline Sliding over_outputs(const Convolution& c) {
  const auto turned = [](const Window& w) {
    return Window{.size = w.size, .stride = 1, .dilation = w.dilation};
  };
  return {.frame = {.image = c.output,
                    .height = c.input.height + c.rows.span() - 1,
                    .width = c.input.width + c.columns.span() - 1,
                    .top = c.rows.span() - 1 - c.rows.before,
                    .left = c.columns.span() - 1 - c.columns.before,
                    .line_step = c.rows.stride,
                    .column_step = c.columns.stride},
          .rows = turned(c.rows),
          .columns = turned(c.columns),
          .groups = c.groups,
          .result = c.input};
}

/// to = start + window(from); `bias` may be empty.
void slide(const Sliding& sliding, Index samples, const Real* from, const GroupedWeight& w,
           std::span<const Real> bias, Real* to, std::span<Real> scratch);

}  // namespace lockstep::kernels
