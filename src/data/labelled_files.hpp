#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/data/formats.hpp"

// For formats with one file per sample.

namespace lockstep {

/// The files of a set, each with the text of its label; empty texts if the source has inputs only.
struct LabelledFiles {
  std::vector<std::string> files;
  std::vector<std::string> labels;
  std::vector<std::string> notes{};  ///< what of a table of labels was not used
};

/// The label of a path by a pattern: text with one {label} and any number of *, which match
/// anything but a slash. As many trailing parts of the path count as the pattern has.
/// Nothing if the path does not match.
[[nodiscard]] std::optional<std::string> label_in(const std::string& path,
                                                  const std::string& pattern);

/// Finds the label of each file: in the table of source.labels_path, lines of FILE,LABEL, if there
/// is one; else in its path by source.label_pattern.
/// Errors: config for a pattern without {label}; bad_data for a file whose label nobody says.
[[nodiscard]] LabelledFiles with_labels(const Source& source, std::vector<std::string> files);

/// Labels as numbers, and their names if they have any.
struct NumberedLabels {
  std::vector<std::int32_t> numbers;
  std::vector<std::string> names;
};

/// Labels that are all whole numbers count as they are; otherwise they are names, numbered in the
/// order of the training data's, `known`, or if there are none of their own, sorted. `place` tells
/// where a label comes from.
/// Errors: bad_data.
[[nodiscard]] NumberedLabels number_labels(const std::vector<std::string>& labels,
                                           const std::optional<std::vector<std::string>>& known,
                                           const std::function<std::string(std::size_t)>& place);

/// Stores the files of all samples, and their labels, by number_labels, or values.
/// Errors: bad_data naming the file.
void store_targets(const Source& source, const LabelledFiles& set, Dataset& dataset);

}  // namespace lockstep
