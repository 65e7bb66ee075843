#include "lockstep/data/layout_hint.hpp"

#include <fmt/format.h>

namespace lockstep {

std::string layout_hint(const Dataset& data, bool channels_first) {
  constexpr Index kMostColours = 4;
  const Shape& s = data.shape();
  const std::string found = fmt::format(
      "samples are {} x {} x {} (height, width, channels): ", s.height, s.width, s.channels);
  if (!channels_first && s.height <= kMostColours && s.width > kMostColours &&
      s.channels > kMostColours) {
    return found + "if their channels lie first, as PyTorch has them, set data.layout = \"nchw\"";
  }
  if (channels_first && s.width > 1 && s.width <= kMostColours && s.height > kMostColours &&
      s.channels > kMostColours) {
    return found + "if their channels lie last, leave out data.layout = \"nchw\"";
  }
  return {};
}

}  // namespace lockstep
