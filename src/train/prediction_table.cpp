#include "train/prediction_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace lockstep {
namespace {

// As RFC 4180 has it.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::string PredictionTable::header() const {
  std::vector<std::string> names;
  if (outputs_ == Outputs::class_logits) {
    if (shape_.positions() > 1) names = {"sample", "position"};
    names.emplace_back("label");
    if (!names_.empty()) names.emplace_back("name");
  }
  const bool classes = outputs_ == Outputs::class_logits;
  const Index columns = classes ? shape_.channels : shape_.size();
  for (Index c = 0; c < columns; ++c) {
    names.push_back(fmt::format("{}{}", outputs_ == Outputs::values ? 'y' : 'p', c));
  }
  return fmt::format("{}\n", fmt::join(names, ","));
}

std::string PredictionTable::rows(std::span<Real> predictions, Index first) const {
  switch (outputs_) {
    case Outputs::class_logits:
      return class_rows(predictions, first);
    case Outputs::logits:
      for (Real& z : predictions)
        z = static_cast<Real>(1 / (1 + std::exp(-static_cast<double>(z))));
      break;
    case Outputs::values:
      if (!targets_.offset.empty()) return exact_rows(predictions);
      targets_.undo(predictions);
      break;
  }
  return value_rows(predictions);
}

std::string PredictionTable::class_rows(std::span<const Real> logits, Index first) const {
  const auto classes = static_cast<std::size_t>(shape_.channels);
  const Index positions = shape_.positions();
  std::string text;
  for (std::size_t at = 0; at < logits.size(); at += classes) {
    const auto row = logits.subspan(at, classes);
    const auto index = static_cast<Index>(at / classes);
    if (positions > 1) text += fmt::format("{},{},", first + index / positions, index % positions);
    const auto top = std::ranges::max_element(row);
    double sum = 0;
    for (const Real z : row) sum += std::exp(static_cast<double>(z) - *top);
    text += fmt::format("{}", top - row.begin());
    if (!names_.empty()) {
      const auto label = static_cast<std::size_t>(top - row.begin());
      text += "," + (label < names_.size() ? field(names_[label]) : std::string());
    }
    for (const Real z : row) {
      text += fmt::format(",{:.6g}", std::exp(static_cast<double>(z) - *top) / sum);
    }
    text += '\n';
  }
  return text;
}

std::string PredictionTable::exact_rows(std::span<const Real> values) const {
  const auto columns = static_cast<std::size_t>(shape_.size());
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t column = i % columns;
    text += fmt::format("{:.15g}{}", targets_.original(values[i], column % targets_.offset.size()),
                        column + 1 == columns ? '\n' : ',');
  }
  return text;
}

std::string PredictionTable::value_rows(std::span<const Real> values) const {
  const auto columns = static_cast<std::size_t>(shape_.size());
  std::string text;
  for (std::size_t at = 0; at < values.size(); at += columns) {
    const auto row = values.subspan(at, columns);
    text += outputs_ == Outputs::logits ? fmt::format("{:.6g}\n", fmt::join(row, ","))
                                        : fmt::format("{}\n", fmt::join(row, ","));
  }
  return text;
}

}  // namespace lockstep
