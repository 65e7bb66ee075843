#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// Which data to load, and how to read it. Members that do not apply to the format are ignored.
struct Source {
  std::string type = "auto";      ///< a name in formats(), or auto: by content, then by extension
  std::string path;               ///< the file, gzip or not; HDF5 also as FILE:GROUP
  std::string labels_path;        ///< idx, npy: the file of the targets
  std::optional<bool> header;     ///< csv: does the first row hold names? Unset: found out
  std::optional<char> delimiter;  ///< csv: between fields; ' ' is any white space. Unset: found out
  std::variant<Index, std::string> target =
      Index{-1};  ///< csv: target column, by number (negative: from the end) or name
  std::string inputs_name = "inputs";    ///< hdf5: dataset of the inputs
  std::string targets_name = "targets";  ///< hdf5: dataset of the targets
  bool classification =
      true;  ///< targets are class labels: integers in [0, 2^31); else finite numbers
  bool inputs_only = false;  ///< nobody knows the answers: no targets are read, all are 0
  Index input_columns =
      0;  ///< csv with inputs_only: so many columns or fewer hold no target column
};

/// A data file in memory, already unpacked.
struct DataFile {
  std::string path;
  std::string group;  ///< hdf5: what followed the colon
  std::vector<std::byte> bytes;
};

/// One row of the catalogue of formats.
struct Format {
  std::string_view name;
  std::string_view description;
  std::span<const std::string_view> extensions;  ///< without dot and without .gz
  bool (*recognises)(std::span<const std::byte> bytes);
  Dataset (*load)(const Source& source, const DataFile& file);
};

/// The catalogue of formats.
[[nodiscard]] std::span<const Format> formats();

/// Loads and checks a dataset: at least one sample, every number finite, as many targets as inputs.
/// Errors: config for an unknown type or a missing labels_path; no_input, no_permission, and
/// bad_data with file, place, expected and found.
[[nodiscard]] Dataset load(const Source& source);

}  // namespace lockstep
