#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// What a recording becomes.
enum class SoundFeatures {
  wave,              ///< the samples, (samples, 1, 1)
  log_mel,           ///< loudness over time and frequency as an image, (frames, bands, 1)
  log_mel_sequence,  ///< the same as a sequence of vectors, (frames, 1, bands)
};

struct SoundOptions {
  double seconds = 1;  ///< of every sample: longer recordings are cut, silence follows shorter ones
  SoundFeatures features = SoundFeatures::wave;
  double window = 0.025;  ///< log_mel: seconds of one frame
  double hop = 0.01;      ///< log_mel: seconds from one frame to the next
  Index mel_bands = 40;
  Index rate = 0;  ///< samples per second that recordings must have; 0: as the first one
};

struct TextOptions {
  bool bytewise = false;  ///< symbols are bytes, not characters
  Index context = 1;      ///< symbols of one window
  Index stride = 0;       ///< from the start of one window to the next; 0: context
  Vocabulary vocabulary;  ///< that of the training text; empty: this is it
};

/// Which data to load, and how to read it. Members that do not apply to the format are ignored.
struct Source {
  std::string type = "auto";  ///< a name in formats(), or auto: by content, then by extension
  std::string path;  ///< the file, gzip or not, or a pattern with * ? [] {} that matches several;
                     ///< HDF5 also as FILE:GROUP; one file per sample, and text: also a folder
  std::string labels_path;  ///< idx, npy: the file of the targets, or a pattern for as many files;
                            ///< one file per sample: a table of lines FILE,LABEL
  std::optional<bool> header;     ///< csv: does the first row hold names? Unset: found out
  std::optional<char> delimiter;  ///< csv: between fields; ' ' is any white space. Unset: found out
  std::variant<Index, std::string> target =
      Index{-1};  ///< csv: target column, by number (negative: from the end) or name
  std::variant<Index, std::string> weights = "";  ///< csv: column, as target; hdf5: dataset of the
                                                  ///< weight of each sample; "": all are 1
  std::string inputs_name = "inputs";             ///< hdf5: dataset of the inputs
  std::string targets_name = "targets";           ///< hdf5: dataset of the targets
  std::string label_pattern = "{label}/*";  ///< one file per sample: where its path has the label
  /// Names of the labels 0, 1, ... of the training data; empty: its labels were numbers. Unset:
  /// found out.
  std::optional<std::vector<std::string>> class_names;
  bool channels_first = false;  ///< idx, npy, hdf5: images lie as (channels, height, width)
  std::optional<Index>
      ignore_label;  ///< idx, npy, hdf5, csv: the label that says that nobody knows
  /// csv: the columns of the training data; none known: it had no names. Unset: found out.
  std::optional<ColumnNames> columns;
  Offsets input_offsets{};   ///< idx, csv, npy, hdf5
  Offsets target_offsets{};  ///< the same for values to be predicted
  SoundOptions sound;        ///< wav
  TextOptions text;          ///< text
  bool classification =
      true;  ///< targets are class labels: integers in [0, 2^31); else finite numbers
  bool inputs_only = false;     ///< nobody knows the answers: no targets are read, all are 0
  bool of_other_files = false;  ///< channels_first and ignore_label were said of other files: for
                                ///< formats that do not have them they say nothing
  bool untrusted = false;  ///< hdf5: a limited child tries first whether libhdf5 survives it, as
                           ///< run_limited demands; not for inputs that stay in their files,
                           ///< which those of files of source.memory bytes together never do
  Index memory = 0;  ///< hdf5: inputs of more bytes than this stay in their files; 0: no limit
  Index input_columns = 0;  ///< csv with inputs_only: so many columns or fewer hold no target
                            ///< column, one more no weights

  [[nodiscard]] bool weighted() const { return weights != std::variant<Index, std::string>(""); }
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
  /// Loads one file of any number of samples; null if all files are loaded together.
  Dataset (*load)(const Source& source, const DataFile& file);
  /// Loads all files of a set: one sample each, or one text or table together. Null for other
  /// formats.
  Dataset (*load_files)(const Source& source, const std::vector<std::string>& files) = nullptr;
  bool guessed = true;     ///< whether `auto` finds it by extension
  bool in_folders = true;  ///< whether `auto` takes a folder of its files for a set
};

/// The catalogue of formats.
[[nodiscard]] std::span<const Format> formats();

/// Which of the files that are read for `path` is the same as `file`, however each is spelled; ""
/// if none is. A path means itself, FILE:GROUP, the matches of a pattern, or what a folder has of
/// samples and HDF5 files.
[[nodiscard]] std::string same_file(const std::string& file, const std::string& path);

/// Loads and checks a dataset; several files follow each other in the order of their names: at
/// least one sample, every number finite, as many targets as inputs. The inputs of HDF5 files that
/// take more than source.memory bytes are streamed: they stay there, and a quarter of source.memory
/// is the window in whose terms a Sampler orders them.
/// Errors: config for an unknown type or a missing labels_path; no_input, no_permission, and
/// bad_data with file, place, expected and found.
[[nodiscard]] Dataset load(const Source& source);

/// The files of the inputs of a set that `load` found streamed, opened once more.
[[nodiscard]] std::unique_ptr<InputFile> open_inputs(const Source& source);

/// The samples as an HDF5 file with these datasets: inputs (samples, columns), or of images and
/// sequences (samples, height, width, channels), as they are stored; labels (samples) or
/// (samples, positions), or values (samples, columns); weights (samples), if there are any; and the
/// names of classes and columns. `load` gives the same dataset back.
/// Errors: config for a text, which is a file as it is.
[[nodiscard]] std::vector<std::byte> to_hdf5(const Dataset& dataset, const std::string& inputs_name,
                                             const std::string& targets_name,
                                             const std::string& weights_name);

}  // namespace lockstep
