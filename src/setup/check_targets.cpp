// Whether the answers of a data set fit a network and a loss.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "lockstep/setup/data_sets.hpp"

namespace lockstep {
namespace {

void check_probabilities(const Dataset& data) {
  const Index columns = data.describe().target_columns;
  for (Index i = 0; i < data.size(); ++i) {
    for (const float value : data.target(i)) {
      if (value >= 0 && value <= 1) continue;
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: target {} of sample {} is no probability: binary_cross_entropy "
                              "takes {} from 0 (no) to 1 (yes)",
                              data.targets_name(), value, i, columns == 1 ? "a value" : "values"));
    }
  }
}

// What labels there are, as far as a mistake shows in them.
struct LabelRange {
  Index classes;
  std::int32_t least = std::numeric_limits<std::int32_t>::max();
  std::int32_t most_within = kIgnoredLabel;  ///< of those below `classes`
  std::set<std::int32_t> beyond{};           ///< some of the others

  void add(std::int32_t label) {
    constexpr std::size_t kEnough = 32;
    if (label == kIgnoredLabel) return;
    least = std::min(least, label);
    if (label < classes) {
      most_within = std::max(most_within, label);
    } else if (beyond.size() < kEnough) {
      beyond.insert(label);
    }
  }
};

// What to do about labels beyond the outputs.
std::string remedy(const LabelRange& labels) {
  const std::int32_t most = *labels.beyond.rbegin();
  const std::string outputs = fmt::format(
      "  if the label is right, give the last linear layer out = {} or more", Index{most} + 1);
  const bool alone =
      labels.beyond.size() == 1 && labels.most_within >= 0 && most > labels.most_within + 1;
  constexpr std::int32_t kUsualForNobodyKnows = 255;
  if (alone) {
    const std::string ignore = fmt::format(
        "  if {0} marks unknown labels, as in masks: --set data.ignore_label={0}", most);
    return most == kUsualForNobodyKnows ? ignore : ignore + "\n" + outputs;
  }
  if (labels.least == 1 && labels.beyond.size() == 1 && most == labels.classes) {
    return "  labels count from 0, these from 1: take 1 off, or leave output 0 unused\n" + outputs;
  }
  constexpr Index kFarBeyond = 10;
  if (labels.beyond.size() > 1 && most > kFarBeyond * labels.classes) {
    return "  if these are values rather than classes, use a regression loss, such as loss.type = "
           "\"mse\"\n" +
           outputs;
  }
  return outputs;
}

std::string listed(std::span<const std::string> names) {
  constexpr std::size_t kMost = 16;
  if (names.size() <= kMost) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{}, ...", fmt::join(names.first(kMost), ", "));
}

void check_labels(const Dataset& data, const std::string& layer, Index classes) {
  LabelRange found{.classes = classes};
  std::optional<std::pair<std::int32_t, Index>> first;
  for (Index i = 0; i < data.size(); ++i) {
    for (const std::int32_t label : data.labels(i)) {
      found.add(label);
      if (label >= classes && !first) first = {label, i};
    }
  }
  if (!first) return;
  if (const std::vector<std::string>& names = data.class_names(); std::ssize(names) > classes) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: layer '{}' has {} output{}, but there are {} classes: {}\n"
                            "  give the last linear layer one for each: out = {}",
                            data.targets_name(), layer, classes, classes == 1 ? "" : "s",
                            names.size(), listed(names), names.size()));
  }
  throw Error(ExitCode::bad_data,
              fmt::format("{}: label {} of sample {} is out of range: layer '{}' has {} outputs, "
                          "for the labels 0 to {}\n{}",
                          data.targets_name(), first->first, first->second, layer, classes,
                          classes - 1, remedy(found)));
}

// Why samples may have another number of labels than the network gives positions.
std::string positions_hint(const Dataset& data, Index positions) {
  const Index found = data.describe().target_columns;
  if (found == 1) return "for one label per sample add a layer of type 'flatten' before it";
  if (positions == 1) {
    return fmt::format(
        "if {} holds images rather than labels, name the file of the labels; if it holds a label "
        "for each position, the layers must keep the positions that have labels",
        data.targets_name());
  }
  return "the layers must keep the positions that have labels";
}

}  // namespace

void check_targets(const Dataset& data, const Network& network, Outputs outputs, Index vocabulary) {
  const Shape output = network.output_shape();
  const Index found = data.describe().target_columns;
  const std::string last = network.nodes().back().name;
  if (outputs == Outputs::class_logits) {
    if (found != output.positions() && data.describe().is_text()) {
      throw Error(
          ExitCode::config,
          fmt::format("layer '{}' gives {} positions, but each of the {} symbols of a sample "
                      "needs one; leave out layers that join them",
                      last, output.positions(), found));
    }
    if (found != output.positions()) {
      throw Error(
          ExitCode::config,
          fmt::format("layer '{}' gives {} positions, each of which needs a label, but each "
                      "sample of {} has {}\n  {}",
                      last, output.positions(), data.targets_name(), found,
                      positions_hint(data, output.positions())));
    }
    if (!data.describe().is_text()) {
      check_labels(data, last, output.channels);
    } else if (vocabulary > output.channels) {
      throw Error(ExitCode::config,
                  fmt::format("layer '{}' has {} outputs, but {} has {} symbols\n"
                              "  give the last linear layer one for each: out = \"vocab\"",
                              last, output.channels, data.name(), vocabulary));
    }
    return;
  }
  if (found != output.size()) {
    throw Error(
        ExitCode::config,
        fmt::format("layer '{}' has {} outputs, but each sample of {} has {} target values\n"
                    "  give the last linear layer as many: out = {}",
                    last, output.size(), data.targets_name(), found, found));
  }
  if (outputs == Outputs::logits) check_probabilities(data);
}

}  // namespace lockstep
