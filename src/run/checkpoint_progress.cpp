#include "run/checkpoint_progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <variant>
#include <vector>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

double real_attribute(const Hdf5Reader& file, const std::string& path, const std::string& name) {
  const Hdf5Attribute value = file.attribute(path, name);
  if (const double* real = std::get_if<double>(&value)) return *real;
  throw Error(ExitCode::bad_data, path + ": attribute '" + name + "' is not a real number");
}

void write_best(Hdf5Writer& file, const std::string& name, const std::optional<BestMetric>& best) {
  if (!best) return;
  file.attribute("/progress", name + "_metric", best->metric);
  file.attribute("/progress", name + "_value", best->value);
  file.attribute("/progress", name + "_step", best->step);
}

std::optional<BestMetric> read_best(const Hdf5Reader& file, const std::string& name) {
  if (!file.has_attribute("/progress", name + "_metric")) return std::nullopt;
  return BestMetric{file.text_attribute("/progress", name + "_metric"),
                    real_attribute(file, "/progress", name + "_value"),
                    file.count_attribute("/progress", name + "_step")};
}

// Only what was counted is there: most runs count nothing.
/// A number that is stored under its name.
struct Count {
  const char* name;
  Index Progress::*value;
};

/// Those of the policies, among others; a new one is a row.
constexpr std::array<Count, 5> kCounts{{
    {"epoch_ignored", &Progress::epoch_ignored},
    {"flat_steps", &Progress::flat_steps},
    {"rate_drops", &Progress::rate_drops},
    {"skipped", &Progress::skipped},
    {"rollbacks", &Progress::rollbacks},
}};

void write_count(Hdf5Writer& file, const std::string& name, Index count) {
  if (count > 0) file.attribute("/progress", name, integer(count));
}

Index read_count(const Hdf5Reader& file, const std::string& name) {
  return file.has_attribute("/progress", name) ? index_attribute(file, "/progress", name) : 0;
}

void write_stagnation(Hdf5Writer& file, const std::string& name, const Stagnation& stagnation) {
  write_best(file, name, stagnation.best);
  write_count(file, name + "_evaluations", stagnation.evaluations);
}

Stagnation read_stagnation(const Hdf5Reader& file, const std::string& name) {
  return {read_best(file, name), read_count(file, name + "_evaluations")};
}

}  // namespace

void write_progress(Hdf5Writer& file, const Progress& progress) {
  file.group("/progress");
  for (std::size_t i = 0; i < progress.epoch_sums.size(); ++i) {
    file.attribute("/progress", fmt::format("epoch_sum_{}", i), progress.epoch_sums[i]);
  }
  file.attribute("/progress", "epoch_samples", integer(progress.epoch_samples));
  file.attribute("/progress", "error_average", progress.error_average);
  file.attribute("/progress", "error_weight", progress.error_weight);
  for (std::size_t i = 0; i < progress.milestone_steps.size(); ++i) {
    file.attribute("/progress", fmt::format("milestone_{}", i), progress.milestone_steps[i]);
  }
  write_best(file, "best", progress.best);
  write_stagnation(file, "stop", progress.stop);
  write_stagnation(file, "plateau", progress.plateau);
  for (const Count& count : kCounts) write_count(file, count.name, progress.*count.value);
  if (progress.usual_loss_weight > 0) {
    file.attribute("/progress", "usual_loss", progress.usual_loss);
    file.attribute("/progress", "usual_loss_weight", progress.usual_loss_weight);
  }
  file.group("/history");
  std::vector<const HistoryColumn*> columns;
  for (const HistoryColumn& column : progress.history) columns.push_back(&column);
  std::ranges::sort(columns, {}, &HistoryColumn::name);  // whatever order a resumed run knows
  for (const HistoryColumn* column : columns) {
    const Index rows = static_cast<Index>(column->values.size());
    file.dataset("/history/" + column->name, {{rows}}, column->values);
  }
}

Progress read_progress(const Hdf5Reader& file) {
  Progress progress;
  for (std::size_t i = 0; i < progress.epoch_sums.size(); ++i) {
    progress.epoch_sums[i] = real_attribute(file, "/progress", fmt::format("epoch_sum_{}", i));
  }
  progress.epoch_samples = index_attribute(file, "/progress", "epoch_samples");
  progress.error_average = real_attribute(file, "/progress", "error_average");
  progress.error_weight = real_attribute(file, "/progress", "error_weight");
  for (std::size_t i = 0; i < progress.milestone_steps.size(); ++i) {
    progress.milestone_steps[i] = file.count_attribute("/progress", fmt::format("milestone_{}", i));
  }
  progress.best = read_best(file, "best");
  progress.stop = read_stagnation(file, "stop");
  progress.plateau = read_stagnation(file, "plateau");
  for (const Count& count : kCounts) progress.*count.value = read_count(file, count.name);
  if (file.has_attribute(kProgressGroup, "usual_loss")) {
    progress.usual_loss = real_attribute(file, kProgressGroup, "usual_loss");
    progress.usual_loss_weight = real_attribute(file, kProgressGroup, "usual_loss_weight");
  }
  // Progress counts its rows by the first column.
  std::vector<std::string> names = file.list("/history");
  std::ranges::stable_sort(names, {}, [](const std::string& n) { return n == "step" ? 0 : 1; });
  for (const std::string& name : names) {
    progress.history.push_back({name, file.doubles("/history/" + name)});
  }
  return progress;
}

}  // namespace lockstep
