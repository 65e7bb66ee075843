#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {

class Dataset;
class Subset;

/// Per-channel standardisation, y = (x - mean[c]) * inverse_std[c], in the units of the stored data
/// (0 to 255 for bytes). A vector sample has one channel per column. Empty: y = x.
///
/// What all numbers of a channel have in common may be taken off in double before they are stored
/// as floats: x is then what is left, and `mean` is that of what is left.
struct Normalization {
  std::vector<float> mean;
  std::vector<float> inverse_std;
  std::vector<double> offset{};  ///< of each channel; empty: nothing was taken off

  /// A number of the data as it is stored.
  [[nodiscard]] float stored(double number, std::size_t channel) const {
    return static_cast<float>(offset.empty() ? number : number - offset[channel]);
  }
  /// The number of the data that a normalised value stands for.
  [[nodiscard]] double original(Real value, std::size_t channel) const;

  /// Normalises whole positions: `in` and `out` hold a multiple of the number of channels.
  void apply(std::span<const std::uint8_t> in, std::span<Real> out) const;
  void apply(std::span<const float> in, std::span<Real> out) const;
  /// The inverse, x = y / inverse_std[c] + mean[c] + offset[c], in place: predictions back to the
  /// units of the data, rounded to floats.
  void undo(std::span<Real> values) const;

  friend bool operator==(const Normalization&, const Normalization&) = default;
};

/// What is taken off the numbers of a file before they are stored.
struct Offsets {
  bool find = false;             ///< what they have in common, if floats would lose it
  std::vector<double> values{};  ///< these, one per channel; empty: nothing, or what is found
};

/// From given means and standard deviations, one per channel or one for all; a deviation of 0
/// counts as 1. `offsets` are those of the data.
/// Errors: config if the counts fit neither, or a value is not finite or a deviation negative.
[[nodiscard]] Normalization given_normalization(std::span<const double> mean,
                                                std::span<const double> standard_deviation,
                                                Index channels,
                                                const std::vector<double>& offsets = {});

/// From the inputs of the samples in `training`: mean, then population standard deviation, summed
/// in double in the order of the subset. A constant channel has deviation 1.
[[nodiscard]] Normalization input_normalization(const Dataset& dataset, const Subset& training);

/// The same for the target values, one channel per target column.
[[nodiscard]] Normalization target_normalization(const Dataset& dataset, const Subset& training);

}  // namespace lockstep
