#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "lockstep/base/error.hpp"
#include "setup/look/look.hpp"

namespace lockstep {
namespace {

// What one column of the targets holds.
struct Column {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
  double squares = 0;  // sum

  void add(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
    squares += value * value;
  }
  [[nodiscard]] bool constant() const { return least == most; }
};

using Columns = std::vector<Column>;

// As the loss sees them.
Columns columns_of(const Samples& samples) {
  std::vector<Real> row(static_cast<std::size_t>(samples.data->describe().target_columns));
  Columns columns(row.size());
  for (Index i = 0; i < samples.size(); ++i) {
    samples.targets->apply(samples.data->target(samples.subset[i]), row);
    for (std::size_t c = 0; c < row.size(); ++c) columns[c].add(double{row[c]});
  }
  return columns;
}

void look_for_constants(const Samples& train, const Columns& columns, Notes& notes) {
  constexpr std::size_t kMostNamed = 16;  // more may be an image, whose margins are constant
  std::vector<std::size_t> constant;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].constant()) constant.push_back(c);
  }
  if (train.size() < 2 || constant.empty()) return;
  const Index first = train.subset[0];
  if (constant.size() == columns.size()) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("{}: {} in all {} training samples, so there is nothing to learn\n  are these "
                    "the targets (data.target, data.targets, data.train_labels)?{}",
                    train.data->targets_name(),
                    columns.size() == 1
                        ? fmt::format("the target is {}", first_target(*train.data, first))
                        : "each target column is constant",
                    train.size(), notes_of(*train.data)));
  }
  if (columns.size() > kMostNamed) return;
  notes.push_back(fmt::format("target column{} {}: constant over all training samples",
                              constant.size() == 1 ? "" : "s", fmt::join(constant, ", ")));
}

// Where a network begins, values are about 1 in size.
void look_at_scale(const Samples& train, const Columns& columns, Notes& notes) {
  constexpr double kLarge = 100, kSmall = 1e-3;
  double largest = 0, smallest = std::numeric_limits<double>::infinity();
  for (const Column& c : columns) {
    const double size = std::sqrt(c.squares / static_cast<double>(train.size()));
    largest = std::max(largest, size);
    if (!c.constant()) smallest = std::min(smallest, size);
  }
  if (largest <= kLarge && smallest >= kSmall) return;
  notes.push_back(
      fmt::format("targets have a magnitude of about {:.2g}, but networks train best on targets "
                  "near 1; set data.normalize_targets = \"standard\"",
                  largest > kLarge ? largest : smallest));
}

struct Interval {
  double least, most;
};

std::optional<Interval> reach_of(std::string_view type) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (type == "relu") return Interval{0, kInfinity};
  if (type == "sigmoid" || type == "softmax") return Interval{0, 1};
  if (type == "tanh") return Interval{-1, 1};
  return std::nullopt;
}

void look_at_reach(const Network& network, const Columns& columns, Notes& notes) {
  const Network::Node& last = network.nodes().back();
  const std::optional<Interval> reach = reach_of(last.layer->type());
  if (!reach) return;
  Interval found{reach->least, reach->most};
  for (const Column& c : columns) {
    found = {std::min(found.least, c.least), std::max(found.most, c.most)};
  }
  const bool below = found.least < reach->least;
  if (!below && found.most <= reach->most) return;
  notes.push_back(
      fmt::format("layer '{}', {}, is the last layer and its output is never {} {}, but targets "
                  "reach {:.4g}; remove the layer",
                  last.name, last.layer->type(), below ? "below" : "above",
                  below ? reach->least : reach->most, below ? found.least : found.most));
}

}  // namespace

Notes look_at_values(const Samples& train, const Loss& loss, const Network& network) {
  Notes notes;
  const Columns columns = columns_of(train);
  look_for_constants(train, columns, notes);
  if (loss.outputs() != Outputs::values) return notes;
  look_at_scale(train, columns, notes);
  look_at_reach(network, columns, notes);
  return notes;
}

}  // namespace lockstep
