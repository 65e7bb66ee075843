#include "run/checkpoint_progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <variant>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/run/checkpoint_paths.hpp"

namespace lockstep {
namespace {

double real_attribute(const Hdf5Reader& file, const std::string& path, const std::string& name) {
  const Hdf5Attribute value = file.attribute(path, name);
  if (const double* real = std::get_if<double>(&value)) return *real;
  throw Error(ExitCode::bad_data, path + ": attribute '" + name + "' is not a real number");
}

void write_best(Hdf5Writer& file, const std::string& name, const std::optional<BestMetric>& best) {
  if (!best) return;
  file.attribute(kProgressGroup, name + "_metric", best->metric);
  file.attribute(kProgressGroup, name + "_value", best->value);
  file.attribute(kProgressGroup, name + "_step", best->step);
}

std::optional<BestMetric> read_best(const Hdf5Reader& file, const std::string& name) {
  if (!file.has_attribute(kProgressGroup, name + "_metric")) return std::nullopt;
  return BestMetric{file.text_attribute(kProgressGroup, name + "_metric"),
                    real_attribute(file, kProgressGroup, name + "_value"),
                    file.count_attribute(kProgressGroup, name + "_step")};
}

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

// Only what was counted is there: most runs count nothing.
void write_count(Hdf5Writer& file, const std::string& name, Index count) {
  if (count > 0) file.attribute(kProgressGroup, name, integer(count));
}

Index read_count(const Hdf5Reader& file, const std::string& name) {
  return file.has_attribute(kProgressGroup, name) ? index_attribute(file, kProgressGroup, name) : 0;
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
  file.group(kProgressGroup);
  for (std::size_t i = 0; i < progress.epoch_sums.size(); ++i) {
    file.attribute(kProgressGroup, fmt::format("epoch_sum_{}", i), progress.epoch_sums[i]);
  }
  file.attribute(kProgressGroup, "epoch_samples", integer(progress.epoch_samples));
  file.attribute(kProgressGroup, "error_average", progress.error_average);
  file.attribute(kProgressGroup, "error_weight", progress.error_weight);
  for (std::size_t i = 0; i < progress.milestone_steps.size(); ++i) {
    file.attribute(kProgressGroup, fmt::format("milestone_{}", i), progress.milestone_steps[i]);
  }
  write_best(file, "best", progress.best);
  write_stagnation(file, "stop", progress.stop);
  write_stagnation(file, "plateau", progress.plateau);
  for (const Count& count : kCounts) write_count(file, count.name, progress.*count.value);
  if (progress.usual_loss_weight > 0) {
    file.attribute(kProgressGroup, "usual_loss", progress.usual_loss);
    file.attribute(kProgressGroup, "usual_loss_weight", progress.usual_loss_weight);
  }
  file.group(kHistoryGroup);
  std::vector<const HistoryColumn*> columns;
  for (const HistoryColumn& column : progress.history) columns.push_back(&column);
  std::ranges::sort(columns, {}, &HistoryColumn::name);  // whatever order a resumed run knows
  for (const HistoryColumn* column : columns) {
    const Index rows = static_cast<Index>(column->values.size());
    file.dataset(kHistoryGroup + "/" + column->name, {{rows}}, column->values);
  }
}

Progress read_progress(const Hdf5Reader& file) {
  Progress progress;
  for (std::size_t i = 0; i < progress.epoch_sums.size(); ++i) {
    progress.epoch_sums[i] = real_attribute(file, kProgressGroup, fmt::format("epoch_sum_{}", i));
  }
  progress.epoch_samples = index_attribute(file, kProgressGroup, "epoch_samples");
  progress.error_average = real_attribute(file, kProgressGroup, "error_average");
  progress.error_weight = real_attribute(file, kProgressGroup, "error_weight");
  for (std::size_t i = 0; i < progress.milestone_steps.size(); ++i) {
    progress.milestone_steps[i] =
        file.count_attribute(kProgressGroup, fmt::format("milestone_{}", i));
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
  std::vector<std::string> names = file.list(kHistoryGroup);
  std::ranges::stable_sort(names, {}, [](const std::string& n) { return n == "step" ? 0 : 1; });
  for (const std::string& name : names) {
    progress.history.push_back({name, file.doubles(kHistoryGroup + "/" + name)});
  }
  return progress;
}

}  // namespace lockstep
