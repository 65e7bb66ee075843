#pragma once

#include <span>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {

struct LogMelOptions {
  Index rate = 0;    ///< samples of sound per second
  Index window = 0;  ///< samples of one frame
  Index hop = 0;     ///< samples from one frame to the next
  Index bands = 0;
};

/// How loud a sound is in each band of frequencies over time: frames of `window` samples under a
/// Hann window, their power spectrum, triangular filters that are equally wide in mel = 2595
/// log10(1 + f / 700) from 0 to half the rate, and the logarithm of (power + 1e-6). In double; what
/// is stored is rounded to float.
/// Source: Davis, Mermelstein 1980; the mel scale of HTK.
class LogMel {
 public:
  /// Requires 1 <= hop, 2 <= window, 1 <= bands.
  explicit LogMel(const LogMelOptions& options);

  /// Frames of so many samples; 0 if they do not fill one window.
  [[nodiscard]] Index frames(Index samples) const;
  /// Writes frames(sound.size()) rows of `bands` numbers.
  void compute(std::span<const float> sound, std::span<float> out);
  /// Bands whose filter covers no frequency of the spectrum: too many bands for the window.
  [[nodiscard]] Index empty_bands() const;

 private:
  struct Filter {
    Index first = 0;  ///< frequency of the first weight
    std::vector<double> weights;
  };

  LogMelOptions options_;
  std::vector<double> hann_;
  std::vector<Filter> filters_;
  Index size_;  ///< of the Fourier transform: the next power of two
  std::vector<double> real_, imaginary_, power_, cosine_, sine_;
};

/// The discrete Fourier transform in place: X[k] = sum_n x[n] exp(-2 pi i k n / N). The size N is a
/// power of two; cosine and sine hold those of 2 pi k / N for k < N / 2.
void fourier_transform(std::span<double> real, std::span<double> imaginary,
                       std::span<const double> cosine, std::span<const double> sine);

}  // namespace lockstep
