#include "data/log_mel.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <numbers>

#include "lockstep/base/portable_math.hpp"

namespace lockstep {
namespace {

constexpr double kFloor = 1e-6;

double mel_of(double frequency) {
  return 2595.0 / std::numbers::ln10 * portable::log(1.0 + frequency / 700.0);
}
double frequency_of(double mel) { return 700.0 * (portable::pow(10.0, mel / 2595.0) - 1.0); }

}  // namespace

void fourier_transform(std::span<double> real, std::span<double> imaginary,
                       std::span<const double> cosine, std::span<const double> sine) {
  const std::size_t size = real.size();
  assert(std::has_single_bit(size) && imaginary.size() == size);
  for (std::size_t i = 1, j = 0; i < size; ++i) {  // j: the bits of i in reverse
    std::size_t bit = size / 2;
    for (; (j & bit) != 0; bit /= 2) j ^= bit;
    j ^= bit;
    if (i < j) {
      std::swap(real[i], real[j]);
      std::swap(imaginary[i], imaginary[j]);
    }
  }
  for (std::size_t half = 1; half < size; half *= 2) {
    const std::size_t stride = size / (2 * half);
    for (std::size_t start = 0; start < size; start += 2 * half) {
      for (std::size_t k = 0; k < half; ++k) {
        const double c = cosine[k * stride], s = -sine[k * stride];
        const std::size_t a = start + k, b = a + half;
        const double re = real[b] * c - imaginary[b] * s;
        const double im = real[b] * s + imaginary[b] * c;
        real[b] = real[a] - re;
        imaginary[b] = imaginary[a] - im;
        real[a] += re;
        imaginary[a] += im;
      }
    }
  }
}

LogMel::LogMel(const LogMelOptions& options)
    : options_(options),
      hann_(static_cast<std::size_t>(options.window)),
      size_(static_cast<Index>(std::bit_ceil(static_cast<std::size_t>(options.window)))),
      real_(static_cast<std::size_t>(size_)),
      imaginary_(real_.size()),
      power_(real_.size() / 2 + 1) {
  for (std::size_t i = 0; i < hann_.size(); ++i) {
    const double turn = static_cast<double>(i) / static_cast<double>(hann_.size());
    hann_[i] = 0.5 - 0.5 * portable::cos(2.0 * std::numbers::pi * turn);
  }
  for (std::size_t k = 0; k < real_.size() / 2; ++k) {
    const double angle =
        2.0 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(size_);
    cosine_.push_back(portable::cos(angle));
    sine_.push_back(portable::sin(angle));
  }
  const double top = mel_of(static_cast<double>(options.rate) / 2);
  const auto corner = [&](Index i) {
    return frequency_of(top * static_cast<double>(i) / static_cast<double>(options.bands + 1));
  };
  for (Index band = 0; band < options.bands; ++band) {
    const double low = corner(band), centre = corner(band + 1), high = corner(band + 2);
    Filter filter;
    for (std::size_t k = 0; k < power_.size(); ++k) {
      const double f =
          static_cast<double>(k) * static_cast<double>(options.rate) / static_cast<double>(size_);
      const double weight = std::min((f - low) / (centre - low), (high - f) / (high - centre));
      if (weight <= 0) continue;
      if (filter.weights.empty()) filter.first = static_cast<Index>(k);
      filter.weights.push_back(weight);
    }
    filters_.push_back(std::move(filter));
  }
}

Index LogMel::frames(Index samples) const {
  return samples < options_.window ? 0 : 1 + (samples - options_.window) / options_.hop;
}

Index LogMel::empty_bands() const {
  return std::ranges::count_if(filters_, [](const Filter& f) { return f.weights.empty(); });
}

void LogMel::compute(std::span<const float> sound, std::span<float> out) {
  const Index count = frames(static_cast<Index>(sound.size()));
  assert(static_cast<Index>(out.size()) == count * options_.bands);
  auto next = out.begin();
  for (Index frame = 0; frame < count; ++frame) {
    std::ranges::fill(real_, 0.0);
    std::ranges::fill(imaginary_, 0.0);
    for (std::size_t i = 0; i < hann_.size(); ++i) {
      real_[i] =
          hann_[i] * static_cast<double>(sound[static_cast<std::size_t>(frame * options_.hop) + i]);
    }
    fourier_transform(real_, imaginary_, cosine_, sine_);
    for (std::size_t k = 0; k < power_.size(); ++k) {
      power_[k] = real_[k] * real_[k] + imaginary_[k] * imaginary_[k];
    }
    for (const Filter& filter : filters_) {
      double sum = 0;
      for (std::size_t i = 0; i < filter.weights.size(); ++i) {
        sum += filter.weights[i] * power_[static_cast<std::size_t>(filter.first) + i];
      }
      *next++ = static_cast<float>(portable::log(sum + kFloor));
    }
  }
}

}  // namespace lockstep
