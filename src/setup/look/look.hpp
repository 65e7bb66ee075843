#pragma once

#include <span>
#include <string>
#include <vector>

#include "lockstep/nn/network.hpp"
#include "lockstep/setup/setup.hpp"

namespace lockstep {

// A look at what is about to be learned, once and on rank 0. What cannot be meant is refused; what
// may be meant, but seldom is, becomes a note. Targets and weights are in memory and are looked at
// as a whole; of the inputs, which may be large or stay in their files, only as much as it takes to
// find two samples, or two values of a column, that differ.

using Notes = std::vector<std::string>;

/// The first target value of a sample, with what was taken off when it was stored.
[[nodiscard]] inline double first_target(const Dataset& data, Index sample) {
  const std::vector<double>& offsets = data.target_offsets();
  return static_cast<double>(data.target(sample).front()) + (offsets.empty() ? 0 : offsets.front());
}

/// What the reading of the data told, that digits were lost, say: for the end of an error about
/// numbers that are equal, one line each.
[[nodiscard]] inline std::string notes_of(const Dataset& data) {
  std::string lines;
  for (const std::string& note : data.notes()) lines += "\n  " + note;
  return lines;
}

/// All of the following.
[[nodiscard]] Notes look_at(const Setup& setup);

/// How the network ends, and whether it sees its answers: activations that belong to the loss,
/// numbers normalized by themselves, and of a text layers that look ahead.
[[nodiscard]] Notes look_at_network(const Network& network, const Loss& loss, bool of_text);

/// Groups of group_norm that hold one number of each sample.
[[nodiscard]] Notes look_at_groups(const Network& network,
                                   std::span<const config::Settings> layers);

/// Weights of samples.
/// Errors: Error(bad_data) if no training sample counts.
[[nodiscard]] Notes look_at_weights(const Samples& train, const Samples& val);

/// Class labels, not those of a text: one class alone, classes that training or validation lacks,
/// values given as labels.
/// Errors: Error(bad_data) if all labels are equal or none is known.
[[nodiscard]] Notes look_at_labels(const Samples& train, const Samples& val, Index classes,
                                   const std::vector<std::string>& names);

/// Values: constant ones, those far from the scale of 1, and those that the last layer cannot give.
/// Errors: Error(bad_data) if all are constant.
[[nodiscard]] Notes look_at_values(const Samples& train, const Loss& loss, const Network& network);

/// Inputs: constant columns of a table, columns that are the target, large numbers. Errors:
/// Error(bad_data) if all samples are equal.
[[nodiscard]] Notes look_at_inputs(const Samples& train, const std::vector<std::string>& columns,
                                   bool symbols);

/// How training and validation samples were told apart: validation samples that are all among the
/// training samples, or so few that they say nothing, or none for the figure that is to be `best`.
[[nodiscard]] Notes look_at_split(const DataSets& sets, const std::string& best);

}  // namespace lockstep
