#include "infer/prediction_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "lockstep/base/portable_math.hpp"

namespace lockstep {
namespace {

// As RFC 4180 has it.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

double sigmoid(Real z) { return 1 / (1 + portable::exp(-static_cast<double>(z))); }

/// "y", or "y0", "y1", ... of several.
void add_columns(const std::string& name, Index count, std::vector<std::string>& columns) {
  if (count == 1) columns.push_back(name);
  for (Index i = 0; count > 1 && i < count; ++i) columns.push_back(fmt::format("{}{}", name, i));
}

std::vector<double> softmax(std::span<const Real> logits) {
  const double top = *std::ranges::max_element(logits);
  std::vector<double> p;
  double sum = 0;
  for (const Real z : logits) sum += p.emplace_back(portable::exp(static_cast<double>(z) - top));
  for (double& x : p) x /= sum;
  return p;
}

Index largest(std::span<const Real> logits) {
  return std::ranges::max_element(logits) - logits.begin();
}

}  // namespace

bool Origins::files_hold_several() const {
  return std::ssize(samples_.data->files()) != samples_.data->size();
}

std::vector<std::string> Origins::columns() const {
  std::vector<std::string> names{"sample"};
  if (samples_.data->files().empty()) return names;
  names.emplace_back("file");
  if (files_hold_several()) names.emplace_back("row");
  return names;
}

std::vector<std::string> Origins::fields(Index sample) const {
  const Index number = samples_.subset[sample];
  std::vector<std::string> texts{fmt::format("{}", number)};
  const std::vector<FileOfSamples>& files = samples_.data->files();
  if (files.empty()) return texts;
  const auto file = std::ranges::upper_bound(files, number, {}, &FileOfSamples::first) - 1;
  const std::string below = folder_.ends_with('/') ? folder_ : folder_ + "/";
  texts.push_back(
      field(file->path.starts_with(below) ? file->path.substr(below.size()) : file->path));
  if (files_hold_several()) texts.push_back(fmt::format("{}", number - file->first));
  return texts;
}

std::vector<std::int32_t> Origins::labels(Index sample) const {
  const Dataset& data = *samples_.data;
  const Index number = samples_.subset[sample];
  if (!data.describe().is_text()) {
    const auto labels = data.labels(number);
    return {labels.begin(), labels.end()};
  }
  std::vector<std::int32_t> next(static_cast<std::size_t>(data.describe().target_columns));
  std::vector<Real> window(next.size());
  data.read_window(number, 0, window, next);
  return next;
}

std::string PredictionTable::header() const {
  std::vector<std::string> names;
  if (told()) names = origins_->columns();
  if (classes() && meaning_.shape.positions() > 1) {
    if (names.empty()) names.emplace_back("sample");
    names.emplace_back("position");
  }
  const bool values = meaning_.outputs == Outputs::values;
  const Index answers = classes() ? 1 : columns();
  if (told() && origins_->answered()) add_columns("truth", answers, names);
  if (!old_) add_columns("prediction", answers, names);
  if (old_ && classes()) names.emplace_back("label");
  if (old_ && classes() && !meaning_.names.empty()) names.emplace_back("name");
  for (Index c = 0; c < columns() && (old_ || !values); ++c) {
    names.push_back(!old_ && classes() && !meaning_.names.empty()
                        ? field("p_" + class_text(c))
                        : fmt::format("{}{}", values ? 'y' : 'p', c));
  }
  return fmt::format("{}\n", fmt::join(names, ","));
}

std::string PredictionTable::rows(std::span<const Real> prediction, Index sample) const {
  return classes() ? class_rows(prediction, sample) : value_row(prediction, sample);
}

/// The name of a class, or its number.
std::string PredictionTable::class_text(Index label) const {
  const auto index = static_cast<std::size_t>(label);
  return index < meaning_.names.size() ? meaning_.names[index] : fmt::format("{}", label);
}

std::string PredictionTable::class_rows(std::span<const Real> logits, Index sample) const {
  std::vector<std::string> origin;
  std::vector<std::int32_t> truth;
  if (told()) origin = origins_->fields(sample);
  if (told() && origins_->answered()) truth = origins_->labels(sample);
  const auto positions = static_cast<std::size_t>(meaning_.shape.positions());
  const std::size_t width = logits.size() / positions;
  std::string text;
  for (std::size_t i = 0; i < positions; ++i) {
    std::vector<std::string> cells = origin;
    if (positions > 1) {
      if (cells.empty()) cells.push_back(fmt::format("{}", sample));
      cells.push_back(fmt::format("{}", i));
    }
    if (!truth.empty()) {
      cells.push_back(truth[i] == kIgnoredLabel ? "" : field(class_text(truth[i])));
    }
    cells.push_back(class_row(logits.subspan(i * width, width)));
    text += fmt::format("{}\n", fmt::join(cells, ","));
  }
  return text;
}

std::string PredictionTable::class_row(std::span<const Real> logits) const {
  const Index label = largest(logits);
  std::string text = old_ ? fmt::format("{}", label) : field(class_text(label));
  if (old_ && !meaning_.names.empty()) {
    const bool named = static_cast<std::size_t>(label) < meaning_.names.size();
    text += "," + (named ? field(class_text(label)) : std::string());
  }
  return text + fmt::format(",{:.6g}", fmt::join(softmax(logits), ","));
}

/// Values with all digits that targets have from which an offset was taken off.
std::string PredictionTable::exact(std::span<const Real> values) const {
  const Normalization& targets = meaning_.targets;
  std::vector<double> whole;
  for (std::size_t i = 0; i < values.size(); ++i) {
    whole.push_back(targets.original(values[i], i % targets.offset.size()));
  }
  return fmt::format("{:.15g}", fmt::join(whole, ","));
}

/// Answers as the data had them.
std::string PredictionTable::with_offset(std::span<const float> stored) const {
  const std::vector<double>& offset = meaning_.targets.offset;
  std::vector<double> whole;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    whole.push_back(static_cast<double>(stored[i]) + offset[i % offset.size()]);
  }
  return fmt::format("{:.15g}", fmt::join(whole, ","));
}

std::string PredictionTable::value_row(std::span<const Real> prediction, Index sample) const {
  std::vector<std::string> cells;
  if (told()) cells = origins_->fields(sample);
  if (told() && origins_->answered()) {
    const std::span<const float> truth = origins_->values(sample);
    cells.push_back(meaning_.targets.offset.empty() ? fmt::format("{}", fmt::join(truth, ","))
                                                    : with_offset(truth));
  }
  if (meaning_.outputs == Outputs::values && !meaning_.targets.offset.empty()) {
    cells.push_back(exact(prediction));
    return fmt::format("{}\n", fmt::join(cells, ","));
  }
  if (meaning_.outputs == Outputs::values) {
    std::vector<Real> values(prediction.begin(), prediction.end());
    meaning_.targets.undo(values);
    cells.push_back(fmt::format("{}", fmt::join(values, ",")));
    return fmt::format("{}\n", fmt::join(cells, ","));
  }
  for (const Real z : prediction) {
    if (!old_) cells.emplace_back(z > 0 ? "1" : "0");
  }
  for (const Real z : prediction) {
    cells.push_back(fmt::format("{:.6g}", static_cast<Real>(sigmoid(z))));
  }
  return fmt::format("{}\n", fmt::join(cells, ","));
}

/// How wrong a prediction is, or how sure it was and wrong; 0 if it is right.
double PredictionTable::mistake(std::span<const Real> prediction, Index sample) const {
  double most = 0;
  if (classes()) {
    const std::vector<std::int32_t> truth = origins_->labels(sample);
    const std::size_t width = prediction.size() / truth.size();
    for (std::size_t i = 0; i < truth.size(); ++i) {
      if (truth[i] == kIgnoredLabel) continue;
      const auto logits = prediction.subspan(i * width, width);
      if (largest(logits) != truth[i]) most = std::max(most, std::ranges::max(softmax(logits)));
    }
    return most;
  }
  const std::span<const float> truth = origins_->values(sample);
  if (meaning_.outputs == Outputs::logits) {
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const bool right = (prediction[i] > 0) == (truth[i] > 0.5F);
      if (!right) most = std::max(most, 1 + std::abs(static_cast<double>(prediction[i])));
    }
    return most;
  }
  std::vector<Real> answer(truth.size());
  meaning_.targets.apply(truth, answer);
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const double error = static_cast<double>(prediction[i]) - static_cast<double>(answer[i]);
    most += error * error;
  }
  return most;
}

std::vector<Index> PredictionTable::mistakes_first(std::span<const Real> predictions) const {
  const auto width = static_cast<std::size_t>(meaning_.shape.size());
  std::vector<double> mistakes;
  for (std::size_t at = 0; at < predictions.size(); at += width) {
    const double found = mistake(predictions.subspan(at, width), std::ssize(mistakes));
    // No number is the worst of all.
    mistakes.push_back(std::isnan(found) ? std::numeric_limits<double>::infinity() : found);
  }
  std::vector<Index> order(mistakes.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::stable_sort(order, std::greater{},
                           [&](Index i) { return mistakes[static_cast<std::size_t>(i)]; });
  return order;
}

}  // namespace lockstep
