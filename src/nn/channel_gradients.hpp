#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/scratch.hpp"
#include "lockstep/nn/layer.hpp"

namespace lockstep {

/// Channels that are worked on side by side.
inline constexpr Index kChannelStrip = 64;

/// One number for each channel of a strip.
template <typename Number>
using PerChannel = std::array<Number, static_cast<std::size_t>(kChannelStrip)>;

/// The parameters "weight" (C), ones at first, and "bias" (C), zeros at first, that scale and shift
/// channels.
inline std::vector<ParameterSpec> channel_parameters(Index channels, bool bias) {
  std::vector<ParameterSpec> specs{{.name = "weight",
                                    .shape = {channels},
                                    .file_axes = {0},
                                    .output_axis = 0,
                                    .initializer = {.value = Real{1}}}};
  if (bias) {
    specs.push_back({.name = "bias",
                     .shape = {channels},
                     .file_axes = {0},
                     .output_axis = 0,
                     .initializer = {}});
  }
  return specs;
}

/// Errors: throws if epsilon is not above 0.
inline void require_epsilon(std::string_view type, double epsilon) {
  if (!(epsilon > 0)) {
    throw Error(ExitCode::config, std::string(type) + ": epsilon must be above 0, found " +
                                      std::to_string(epsilon) + "; such as 1e-5");
  }
}

/// The memory of `sum_channel_gradients`; `length`: numbers of all parameters.
struct ChannelGradientScratch {
  ChannelGradientScratch(Scratch& s, Index length, Index microbatches)
      : leaves(s.take<Real>(microbatches * length).data()),
        stack(s.take<Real>(OrderedSum::memory_for(microbatches, length))) {}

  Real* leaves;  ///< by microbatch
  std::span<Real> stack;
};

/// Sets the gradients of the layer's parameters, each of which has one number per channel.
/// sums(microbatch, begin, end, out) sets out[p][i] to the sum over one microbatch of the gradient
/// of parameter p at channel begin + i; end - begin is at most kChannelStrip.
template <std::size_t kParameters, typename Sums>
void sum_channel_gradients(const LayerBackward& b, Index channels, const Sums& sums) {
  const std::span<const Microbatch> microbatches = b.pass.microbatches;
  const Index length = channels * static_cast<Index>(kParameters);
  const auto count = static_cast<Index>(microbatches.size());
  const Index strips = pieces_of(channels, kChannelStrip);
  Scratch memory(b.scratch);
  const ChannelGradientScratch room(memory, length, count);
  parallel_for(count * strips, [&](Index i) {
    const Index m = i / strips;
    const Index begin = i % strips * kChannelStrip;
    const Index end = std::min(begin + kChannelStrip, channels);
    std::array<PerChannel<Real>, kParameters> out{};
    sums(microbatches[static_cast<std::size_t>(m)], begin, end, out);
    for (std::size_t p = 0; p < kParameters; ++p) {
      std::copy_n(out[p].data(), end - begin,
                  room.leaves + m * length + static_cast<Index>(p) * channels + begin);
    }
  });

  OrderedSum sum(room.stack, length);
  for (std::size_t block = 0; block < b.gradients.size(); ++block) {
    const MicrobatchRange share = b.gradients[block].block;
    const Index before = share.first - microbatches.front().index;
    sum.clear();
    for (Index m = 0; m < share.count; ++m) {
      std::copy_n(room.leaves + (before + m) * length, length, sum.next().data());
      sum.push({share.first + m, 1});
    }
    const std::span<const Real> total = sum.finish();
    for (std::size_t p = 0; p < kParameters; ++p) {
      std::copy_n(total.data() + static_cast<Index>(p) * channels, channels,
                  b.gradient(block, p).data());
    }
  }
}

}  // namespace lockstep
