#pragma once

#include "lockstep/base/types.hpp"

namespace lockstep::kernels {

/// An image within zeros: line i of it is line `top` + i * `line_step` of the frame, and so on for
/// columns, where `left` is at least 0 if `column_step` is above 1. What would lie outside the
/// frame is cut off.
struct Frame {
  Shape image;
  Index height = 0;
  Index width = 0;
  Index top = 0;
  Index left = 0;
  Index line_step = 1;
  Index column_step = 1;

  /// Numbers of one line.
  [[nodiscard]] Index line() const { return width * image.channels; }
  [[nodiscard]] Index size() const { return height * line(); }
  /// True if lines of the image can stand for lines of the frame.
  [[nodiscard]] bool is_image() const {
    return top == 0 && left == 0 && line_step == 1 && column_step == 1 && height <= image.height &&
           width == image.width;
  }
};

/// Writes the lines of `lines`, one after the other.
void fill_frame(const Frame& frame, Range lines, const Real* image, Real* out);

}  // namespace lockstep::kernels
