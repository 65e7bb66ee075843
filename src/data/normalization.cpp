#include "lockstep/data/normalization.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "lockstep/base/error.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/data/split.hpp"

namespace lockstep {
namespace {

/// One stretch of whole positions, with mean and scale laid out like the values, so that the loop
/// vectorises.
template <typename T>
void normalize_stretch(const T* in, Real* out, std::size_t count, const float* mean,
                       const float* inverse_std) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] =
        (static_cast<Real>(in[i]) - static_cast<Real>(mean[i])) * static_cast<Real>(inverse_std[i]);
  }
}

/// Few channels are repeated over a stretch of about this many values.
constexpr std::size_t kStretch = 256;

template <typename T>
void normalize(const Normalization& by, std::span<const T> in, std::span<Real> out) {
  const std::size_t channels = by.mean.size();
  assert(in.size() == out.size() && (channels == 0 || in.size() % channels == 0));
  if (channels == 0) {
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = static_cast<Real>(in[i]);
  } else if (channels == 1) {
    const auto mean = static_cast<Real>(by.mean[0]);
    const auto inverse_std = static_cast<Real>(by.inverse_std[0]);
    for (std::size_t i = 0; i < in.size(); ++i) {
      out[i] = (static_cast<Real>(in[i]) - mean) * inverse_std;
    }
  } else if (channels > kStretch / 2) {
    for (std::size_t i = 0; i < in.size(); i += channels) {
      normalize_stretch(in.data() + i, out.data() + i, channels, by.mean.data(),
                        by.inverse_std.data());
    }
  } else {
    std::array<float, kStretch> mean;
    std::array<float, kStretch> inverse_std;
    const std::size_t stretch = kStretch / channels * channels;
    for (std::size_t i = 0; i < stretch; ++i) {
      mean[i] = by.mean[i % channels];
      inverse_std[i] = by.inverse_std[i % channels];
    }
    for (std::size_t i = 0; i < in.size(); i += stretch) {
      normalize_stretch(in.data() + i, out.data() + i, std::min(stretch, in.size() - i),
                        mean.data(), inverse_std.data());
    }
  }
}

/// A deviation below this part of the mean is rounding error of a constant channel.
constexpr double kConstantChannel = 1e-12;

/// Two passes over rows of `length` numbers that repeat their channels; the order of the sums is
/// that of the subset.
template <typename RowOf>
Normalization measure(const RowOf& row_of, Index length, Index channels, const Subset& subset) {
  const auto width = static_cast<std::size_t>(channels);
  const double count = static_cast<double>(subset.size()) * static_cast<double>(length / channels);
  const auto accumulate = [&](auto term) {
    std::vector<double> sums(width);
    for (Index i = 0; i < subset.size(); ++i) {
      const auto* sample = row_of(subset[i]);
      for (Index position = 0; position < length; position += channels) {
        for (std::size_t c = 0; c < width; ++c) {
          sums[c] += term(static_cast<double>(sample[position + static_cast<Index>(c)]), c);
        }
      }
    }
    for (double& sum : sums) sum /= count;
    return sums;
  };
  const auto mean = accumulate([](double x, std::size_t) { return x; });
  const auto variance =
      accumulate([&](double x, std::size_t c) { return (x - mean[c]) * (x - mean[c]); });

  Normalization result{std::vector<float>(width), std::vector<float>(width)};
  for (std::size_t c = 0; c < width; ++c) {
    const double deviation = std::sqrt(variance[c]);
    const bool varies = deviation > kConstantChannel * std::abs(mean[c]);
    result.mean[c] = static_cast<float>(mean[c]);
    result.inverse_std[c] = varies ? static_cast<float>(1.0 / deviation) : 1.0f;
  }
  return result;
}

}  // namespace

void Normalization::apply(std::span<const std::uint8_t> in, std::span<Real> out) const {
  normalize(*this, in, out);
}

void Normalization::apply(std::span<const float> in, std::span<Real> out) const {
  normalize(*this, in, out);
}

double Normalization::original(Real value, std::size_t channel) const {
  if (mean.empty()) return static_cast<double>(value);
  const auto deviation = static_cast<Real>(inverse_std[channel]);
  const auto middle = static_cast<Real>(mean[channel]);
  if (offset.empty()) return static_cast<double>(value / deviation + middle);
  return static_cast<double>(value) / static_cast<double>(deviation) + static_cast<double>(middle) +
         offset[channel];
}

void Normalization::undo(std::span<Real> values) const {
  const std::size_t channels = mean.size();
  if (channels == 0) return;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<Real>(original(values[i], i % channels));
  }
}

Normalization given_normalization(std::span<const double> mean,
                                  std::span<const double> standard_deviation, Index channels,
                                  const std::vector<double>& offsets) {
  const auto width = static_cast<std::size_t>(channels);
  const auto fits = [&](std::span<const double> values) {
    return values.size() == 1 || values.size() == width;
  };
  if (!fits(mean) || !fits(standard_deviation)) {
    throw Error(
        ExitCode::config,
        fmt::format("data.mean and data.std: expected 1 or {} numbers each, one per channel; "
                    "found {} and {}",
                    channels, mean.size(), standard_deviation.size()));
  }
  Normalization result{std::vector<float>(width), std::vector<float>(width), offsets};
  for (std::size_t c = 0; c < width; ++c) {
    const double m = mean[mean.size() == 1 ? 0 : c];
    const double s = standard_deviation[standard_deviation.size() == 1 ? 0 : c];
    if (!std::isfinite(m) || !std::isfinite(s) || s < 0) {
      throw Error(ExitCode::config,
                  fmt::format("normalization of channel {}: expected a finite mean and a standard "
                              "deviation >= 0, found {} and {}",
                              c, m, s));
    }
    result.mean[c] = result.stored(m, c);
    result.inverse_std[c] = s == 0 ? 1.0f : static_cast<float>(1.0 / s);
  }
  return result;
}

Normalization input_normalization(const Dataset& dataset, const Subset& training) {
  const Shape& shape = dataset.shape();
  InputScan inputs(dataset);
  const auto measure_as = [&]<typename T>(T) {
    return measure([&](Index sample) { return reinterpret_cast<const T*>(inputs(sample).data()); },
                   shape.size(), shape.channels, training);
  };
  Normalization result = dataset.describe().input_type == InputType::bytes
                             ? measure_as(std::uint8_t{})
                             : measure_as(float{});
  result.offset = dataset.offsets();
  return result;
}

Normalization target_normalization(const Dataset& dataset, const Subset& training) {
  const Index columns = dataset.describe().target_columns;
  Normalization result = measure([&](Index sample) { return dataset.target(sample).data(); },
                                 columns, columns, training);
  result.offset = dataset.target_offsets();
  return result;
}

}  // namespace lockstep
