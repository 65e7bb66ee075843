#pragma once

#include <span>
#include <string>
#include <vector>

#include "lockstep/data/normalization.hpp"
#include "lockstep/nn/loss.hpp"

namespace lockstep {

/// Predictions as CSV, in the columns that `predict_checkpoint` lists.
class PredictionTable {
 public:
  /// `targets` takes values back to the units of the data; `names` are those of the classes, if
  /// they have any. Both must outlive the table.
  PredictionTable(Outputs outputs, const Shape& shape, const Normalization& targets,
                  const std::vector<std::string>& names)
      : outputs_(outputs), shape_(shape), targets_(targets), names_(names) {}

  /// The names of the columns, one line.
  [[nodiscard]] std::string header() const;
  /// A line per sample, per position of each for sequences. `predictions` holds what the network
  /// gives for samples `first`, `first` + 1, ...; values are changed to the units of the data.
  [[nodiscard]] std::string rows(std::span<Real> predictions, Index first) const;

 private:
  [[nodiscard]] std::string class_rows(std::span<const Real> logits, Index first) const;
  /// With all digits that targets have from which an offset was taken off.
  [[nodiscard]] std::string exact_rows(std::span<const Real> values) const;
  [[nodiscard]] std::string value_rows(std::span<const Real> values) const;

  Outputs outputs_;
  Shape shape_;
  const Normalization& targets_;
  const std::vector<std::string>& names_;
};

}  // namespace lockstep
