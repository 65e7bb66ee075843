#pragma once

#include <span>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// Puts the channels last: samples stored as (channels, height, width) become (height, width,
/// channels), in place, one after the other.
class ChannelsLast {
 public:
  /// `shape` of a sample, whose numbers together take `bytes` bytes.
  ChannelsLast(const Shape& shape, Index bytes);

  /// Requires whole samples.
  void operator()(std::span<std::byte> samples);

 private:
  Index channels_;
  Index positions_;
  std::size_t number_bytes_;
  std::vector<std::byte> sample_;  ///< as it was stored
};

}  // namespace lockstep
