#include "kernels/frame.hpp"

#include <algorithm>

namespace lockstep::kernels {
namespace {

void fill_line(const Frame& f, const Real* from, Real* out) {
  const Index channels = f.image.channels;
  Real* const end = out + f.line();
  if (f.left > 0) out = std::fill_n(out, f.left * channels, Real{0});
  if (f.column_step == 1) {
    const Index hidden = std::max<Index>(-f.left, 0);
    const Index room = f.width - std::max<Index>(f.left, 0);
    const Index count = std::clamp<Index>(f.image.width - hidden, 0, std::max<Index>(room, 0));
    out = std::copy_n(from + hidden * channels, count * channels, out);
  } else {
    const Index gap = (f.column_step - 1) * channels;
    for (Index i = 0; i < f.image.width && out < end; ++i) {
      out = std::copy_n(from + i * channels, channels, out);
      out = std::fill_n(out, std::min(gap, end - out), Real{0});
    }
  }
  std::fill(out, end, Real{0});
}

}  // namespace

void fill_frame(const Frame& frame, Range lines, const Real* image, Real* out) {
  for (Index line = lines.begin; line < lines.end; ++line, out += frame.line()) {
    const Index from = line - frame.top;
    const Index i = from / frame.line_step;
    if (from < 0 || from % frame.line_step != 0 || i >= frame.image.height) {
      std::fill_n(out, frame.line(), Real{0});
    } else {
      fill_line(frame, image + i * frame.image.width * frame.image.channels, out);
    }
  }
}

}  // namespace lockstep::kernels
