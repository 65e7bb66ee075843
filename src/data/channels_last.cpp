#include "data/channels_last.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace lockstep {
namespace {

template <std::size_t kBytes>
void transpose(const std::byte* from, std::byte* to, Index channels, Index positions) {
  for (Index c = 0; c < channels; ++c) {
    for (Index p = 0; p < positions; ++p) {
      std::memcpy(to + (p * channels + c) * static_cast<Index>(kBytes), from, kBytes);
      from += kBytes;
    }
  }
}

}  // namespace

ChannelsLast::ChannelsLast(const Shape& shape, Index bytes)
    : channels_(shape.channels),
      positions_(shape.positions()),
      number_bytes_(static_cast<std::size_t>(bytes / shape.size())),
      sample_(static_cast<std::size_t>(bytes)) {
  assert(number_bytes_ == 1 || number_bytes_ == sizeof(float));
}

void ChannelsLast::operator()(std::span<std::byte> samples) {
  assert(samples.size() % sample_.size() == 0);
  for (; !samples.empty(); samples = samples.subspan(sample_.size())) {
    std::ranges::copy(samples.first(sample_.size()), sample_.begin());
    const auto put = number_bytes_ == 1 ? transpose<1> : transpose<sizeof(float)>;
    put(sample_.data(), samples.data(), channels_, positions_);
  }
}

}  // namespace lockstep
