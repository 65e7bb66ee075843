#pragma once

#include <span>
#include <string>
#include <vector>

#include "lockstep/data/normalization.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/train/samples.hpp"

namespace lockstep {

/// Where the samples of a table come from, and the right answers where they are known.
class Origins {
 public:
  /// Of a set of several files, the files are told, relative to `folder` if they are below it.
  /// `samples` must outlive this.
  Origins(const Samples& samples, std::string folder)
      : samples_(samples), folder_(std::move(folder)) {}

  /// "sample", for several files "file", and "row" if these have several samples each.
  [[nodiscard]] std::vector<std::string> columns() const;
  /// The same of one sample: its number in the data, ...
  [[nodiscard]] std::vector<std::string> fields(Index sample) const;

  /// Whether the answers are known.
  [[nodiscard]] bool answered() const { return samples_.answered; }
  /// The labels of a sample, one for each of its positions.
  [[nodiscard]] std::vector<std::int32_t> labels(Index sample) const;
  /// The target values of a sample.
  [[nodiscard]] std::span<const float> values(Index sample) const {
    return samples_.data->target(samples_.subset[sample]);
  }

 private:
  [[nodiscard]] bool files_hold_several() const;

  const Samples& samples_;
  std::string folder_;
};

/// What the outputs of a network mean. Its members outlive whoever uses it.
struct OutputMeaning {
  Outputs outputs;
  Shape shape;
  const Normalization& targets;           ///< takes values back to the units of the data
  const std::vector<std::string>& names;  ///< of the classes, if they have any
};

/// Predictions as CSV, in the columns that `predict_checkpoint` lists.
class PredictionTable {
 public:
  /// `origins` may be null; with `old_columns` it counts for the order alone.
  PredictionTable(const OutputMeaning& meaning, const Origins* origins, bool old_columns = false)
      : meaning_(meaning), origins_(origins), old_(old_columns) {}

  /// The names of the columns, one line.
  [[nodiscard]] std::string header() const;
  /// What the network gives for a sample, the `sample`th: a line, of sequences of classes one per
  /// position.
  [[nodiscard]] std::string rows(std::span<const Real> prediction, Index sample) const;

  /// The samples whose predictions these are, mistakes first: of classes and questions those of
  /// which the network was most sure, of values the largest error, in the units in which it
  /// learned; then the others as they come. Requires known answers.
  [[nodiscard]] std::vector<Index> mistakes_first(std::span<const Real> predictions) const;

 private:
  [[nodiscard]] bool told() const { return origins_ != nullptr && !old_; }
  [[nodiscard]] bool classes() const { return meaning_.outputs == Outputs::class_logits; }
  [[nodiscard]] Index columns() const {
    return classes() ? meaning_.shape.channels : meaning_.shape.size();
  }
  [[nodiscard]] std::string class_text(Index label) const;
  [[nodiscard]] std::string class_rows(std::span<const Real> logits, Index sample) const;
  [[nodiscard]] std::string class_row(std::span<const Real> logits) const;
  [[nodiscard]] std::string value_row(std::span<const Real> prediction, Index sample) const;
  [[nodiscard]] std::string exact(std::span<const Real> values) const;
  [[nodiscard]] std::string with_offset(std::span<const float> stored) const;
  [[nodiscard]] double mistake(std::span<const Real> prediction, Index sample) const;

  OutputMeaning meaning_;
  const Origins* origins_;
  bool old_;
};

}  // namespace lockstep
