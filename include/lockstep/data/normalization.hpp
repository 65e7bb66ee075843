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
struct Normalization {
  std::vector<float> mean;
  std::vector<float> inverse_std;

  /// Normalises whole positions: `in` and `out` hold a multiple of the number of channels.
  void apply(std::span<const std::uint8_t> in, std::span<Real> out) const;
  void apply(std::span<const float> in, std::span<Real> out) const;
  /// The inverse, x = y / inverse_std[c] + mean[c], in place: predictions back to the units of the
  /// data.
  void undo(std::span<Real> values) const;

  friend bool operator==(const Normalization&, const Normalization&) = default;
};

/// From given means and standard deviations, one per channel or one for all; a deviation of 0
/// counts as 1. Errors: config if the counts fit neither, or a value is not finite or a deviation
/// negative.
[[nodiscard]] Normalization given_normalization(std::span<const double> mean,
                                                std::span<const double> standard_deviation,
                                                Index channels);

/// From the inputs of the samples in `training`: mean, then population standard deviation, summed
/// in double in the order of the subset. A constant channel has deviation 1.
[[nodiscard]] Normalization input_normalization(const Dataset& dataset, const Subset& training);

/// The same for the target values, one channel per target column.
[[nodiscard]] Normalization target_normalization(const Dataset& dataset, const Subset& training);

}  // namespace lockstep
