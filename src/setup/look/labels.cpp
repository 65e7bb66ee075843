#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "lockstep/base/error.hpp"
#include "setup/look/look.hpp"

namespace lockstep {
namespace {

using Counts = std::vector<Index>;  // of each class

Counts count(const Samples& samples, Index classes) {
  Counts counts(static_cast<std::size_t>(classes));
  for (Index i = 0; i < samples.size(); ++i) {
    for (const std::int32_t label : samples.data->labels(samples.subset[i])) {
      if (label != kIgnoredLabel) ++counts[static_cast<std::size_t>(label)];
    }
  }
  return counts;
}

Index sum_of(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), Index{0});
}

std::string name_of(std::size_t label, const std::vector<std::string>& names) {
  return label < names.size() ? names[label] : std::to_string(label);
}

// "class 3", "classes 3, 5" or "40 of 100 classes".
std::string list(const std::vector<std::size_t>& classes, std::size_t all,
                 const std::vector<std::string>& names) {
  constexpr std::size_t kMostListed = 8;
  if (classes.size() > kMostListed) return fmt::format("{} of {} classes", classes.size(), all);
  std::vector<std::string> texts;
  for (const std::size_t c : classes) texts.push_back(name_of(c, names));
  return fmt::format("{} {}", classes.size() == 1 ? "class" : "classes", fmt::join(texts, ", "));
}

// Errors: bad_data if no label is known.
void require_labels(const Samples& samples, const Counts& counts, std::string_view what) {
  if (samples.size() == 0 || sum_of(counts) > 0) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: all labels of the {} {} samples are data.ignore_label",
                          samples.data->targets_name(), samples.size(), what));
}

void require_two_classes(const Samples& train, const Counts& counts,
                         const std::vector<std::string>& names) {
  const Index labels = sum_of(counts);
  const auto only = std::ranges::find(counts, labels);
  if (labels < 2 || only == counts.end()) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: all {} training labels are {}: there is only one class\n  are these "
                          "the labels (data.target, data.targets, data.train_labels)?",
                          train.data->targets_name(), labels,
                          name_of(static_cast<std::size_t>(only - counts.begin()), names)));
}

// Columns of numbers that are taken for classes: nearly every sample has one of its own.
void look_for_values(const Samples& train, const Counts& counts, Notes& notes) {
  constexpr Index kFewest = 20;
  const auto present = std::ranges::count_if(counts, [](Index n) { return n > 0; });
  if (train.data->describe().target_columns > 1 || train.size() < kFewest) return;
  if (present <= train.size() / 2) return;
  notes.push_back(
      fmt::format("{} training samples have {} different labels: if they are values rather than "
                  "classes, use a regression loss, such as loss.type = \"mse\"",
                  train.size(), present));
}

}  // namespace

Notes look_at_weights(const Samples& train, const Samples& val) {
  const auto count = [](const Samples& samples) {
    if (!samples.data->describe().weighted) return samples.size() > 0;
    for (Index i = 0; i < samples.size(); ++i) {
      if (samples.data->weights()[static_cast<std::size_t>(samples.subset[i])] > 0) return true;
    }
    return false;
  };
  if (!count(train)) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("{}: the weights of all {} training samples are 0, so nothing can be learned",
                    train.data->name(), train.size()));
  }
  if (val.size() == 0 || count(val)) return {};
  return {"the weights of all validation samples are 0, so the validation loss is 0"};
}

Notes look_at_labels(const Samples& train, const Samples& val, Index classes,
                     const std::vector<std::string>& names) {
  const Counts trained = count(train, classes);
  const Counts judged = count(val, classes);
  require_labels(train, trained, "training");
  require_labels(val, judged, "validation");
  require_two_classes(train, trained, names);
  Notes notes;
  look_for_values(train, trained, notes);
  std::vector<std::size_t> missing;
  Index unknown = 0;
  for (std::size_t c = 0; c < trained.size(); ++c) {
    if (trained[c] > 0) continue;
    missing.push_back(c);
    unknown += judged[c];
  }
  if (missing.empty()) return notes;
  const bool from_one = missing.size() == 1 && missing.front() == 0 && names.empty();
  notes.push_back(
      fmt::format("no training samples of {}{}{}", list(missing, trained.size(), names),
                  unknown == 0 ? std::string()
                               : fmt::format(", but {} validation label{} {}", unknown,
                                             unknown == 1 ? "" : "s", unknown == 1 ? "is" : "are"),
                  from_one ? ": labels count from 0, these may count from 1" : ""));
  return notes;
}

}  // namespace lockstep
