// Loading a set of whatever format, from one file or several.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "data/class_names.hpp"
#include "data/file_notes.hpp"
#include "data/folder_files.hpp"
#include "data/hdf5_sets.hpp"
#include "data/known_formats.hpp"
#include "data/loaders.hpp"
#include "data/paths.hpp"
#include "data/table_columns.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/io/limited_child.hpp"

namespace lockstep {
namespace {

Dataset load_folder(const Format& format, const Source& source) {
  const FolderFiles found = files_of_format(source, format, source.type != "auto");
  Dataset data = format.load_files(source, found.files);
  data.add_notes(found.notes);
  return data;
}

void check_group(const Format& format, const std::string& path, const NamedFiles& named) {
  if (named.group.empty() || format.load == load_hdf5) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: only files of HDF5 have groups; {} has the format {}", path,
                          named.files.front(), format.name));
}

/// The notes of all parts, each of a file and beginning with its name.
std::vector<std::string> notes_of(const std::vector<std::string>& paths,
                                  const std::vector<Dataset>& parts) {
  FileNotes notes;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string start = paths[i] + ": ";
    for (const std::string& note : parts[i].notes()) {
      notes.add(paths[i], note.starts_with(start) ? note.substr(start.size()) : note);
    }
  }
  return notes.texts();
}

/// The header of all parts together.
DatasetHeader header_of_all(const std::vector<Dataset>& parts) {
  DatasetHeader header = parts.front().describe();
  for (const Dataset& part : std::span(parts).subspan(1)) {
    DatasetHeader other = part.describe();
    header.size += std::exchange(other.size, parts.front().size());
    if (other == parts.front().describe()) continue;
    throw Error(ExitCode::bad_data,
                fmt::format("{}: expected samples and targets as in {}, found another shape or "
                            "type",
                            part.name(), parts.front().name()));
  }
  return header;
}

/// All samples of `parts`, one after the other; each is that of a file.
Dataset joined(const Source& source, const std::vector<std::string>& paths,
               std::vector<Dataset> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  Dataset all(source.path, header_of_all(parts));
  all.set_targets_name(source.labels_path);
  auto inputs = all.input_bytes().begin();
  auto targets = all.target_bytes().begin();
  auto weights = all.weight_bytes().begin();
  std::vector<FileOfSamples> files;
  NamesOfFiles names;
  Index samples = 0;
  for (const Dataset& part : parts) {
    const std::string& path = paths[files.size()];
    files.push_back({path, std::exchange(samples, samples + part.size())});
    names.add(path, part.class_names());
    inputs = std::ranges::copy(part.input_bytes(), inputs).out;
    targets = std::ranges::copy(part.target_bytes(), targets).out;
    weights = std::ranges::copy(part.weight_bytes(), weights).out;
  }
  require_name_of_each(source.path, names.names(), all.classes());
  all.set_class_names(names.names());
  all.set_columns(parts.front().columns());
  all.set_offsets(parts.front().offsets(), parts.front().target_offsets());
  all.add_notes(notes_of(paths, parts));
  if (const std::string note = names.note(source.path); !note.empty()) all.add_notes({note});
  all.set_files(std::move(files));
  return all;
}

void try_in_child(const Source& source, const DataFile& file) {
  const auto limits = limits_of_reading(static_cast<Index>(file.bytes.size()));
  static_cast<void>(run_limited(file.path, limits, [&] {
    static_cast<void>(load_hdf5(source, file));
    return std::vector<std::byte>();
  }));
}

/// Whether inputs may stay in their files. Those of strangers that are small enough together are
/// read by a child first, which cannot open any.
bool may_stay(const Source& source, const std::vector<std::string>& files) {
  std::uintmax_t all = 0;
  for (const std::string& file : files) {
    std::error_code error;
    const std::uintmax_t bytes = std::filesystem::file_size(file, error);
    if (!error) all += bytes;
  }
  const bool large = all > static_cast<std::uintmax_t>(source.memory);
  return source.memory > 0 && (!source.untrusted || large);
}

/// The file of labels that goes with each of `files`; empty names if there are none.
std::vector<std::string> files_of_labels(const Source& source,
                                         const std::vector<std::string>& files) {
  if (source.labels_path.empty()) return std::vector<std::string>(files.size());
  std::vector<std::string> labels = matching_files(source.labels_path);
  if (labels.size() == files.size()) return labels;
  throw Error(ExitCode::config,
              fmt::format("{}: expected as many files of labels as of inputs, {}; found {}",
                          source.labels_path, files.size(), labels.size()));
}

/// Each file by itself, of which the first is read already.
Dataset load_each(const Source& source, const Format& format, const NamedFiles& found,
                  DataFile file) {
  const std::vector<std::string> labels = files_of_labels(source, found.files);
  std::vector<Dataset> parts;
  std::vector<ClassesOfFile> classes;
  for (std::size_t i = 0; i < found.files.size(); ++i) {
    if (i > 0) file = read_data_file(found.files[i]);
    file.group = found.group;
    check_format(format, file);
    Source one = source;
    one.path = found.files[i];
    one.labels_path = labels[i];
    if (source.untrusted && format.load == load_hdf5) try_in_child(one, file);
    if (i > 0) {  // the first file says what is taken off, and what the columns are
      one.input_offsets = {false, parts.front().offsets()};
      one.target_offsets = {false, parts.front().target_offsets()};
      if (!one.columns && parts.front().columns().known()) one.columns = parts.front().columns();
    }
    parts.push_back(format.load(one, file));
    if (format.load != load_hdf5 || !source.classification || source.inputs_only) continue;
    const bool texts = has_text_targets(source, file);
    classes.push_back({file.path, texts ? parts.back().class_names() : std::vector<std::string>()});
  }
  share_classes(source, classes, parts);
  return joined(source, found.files, std::move(parts));
}

Dataset load_any(const Source& source) {
  const bool find_out = source.type == "auto";
  const Format* format = find_out ? format_of_folder(source.path) : &format_named(source.type);
  const bool together = format != nullptr && format->load_files != nullptr;
  if (format != nullptr) check_keys(source, *format);
  if (is_folder(source.path)) {
    if (together) return load_folder(*format, source);
    throw Error(ExitCode::bad_data,
                fmt::format("{}: expected a file of format {}, found a folder; a pattern names "
                            "several files: {}/*.{}",
                            source.path, format->name, source.path, format->extensions.front()));
  }
  const NamedFiles found = named_files(source.path);
  if ((find_out || source.type == "hdf5") && may_stay(source, found.files)) {
    if (auto set = open_hdf5(source, found.files, found.group)) {
      check_keys(source, format_named("hdf5"));
      return std::move(*set);
    }
  }
  DataFile file{found.files.front(), {}, {}};
  if (!together) file = read_data_file(found.files.front());
  if (format == nullptr) format = &format_of(file);
  check_group(*format, source.path, found);
  check_keys(source, *format);
  if (format->load_files == nullptr) return load_each(source, *format, found, std::move(file));
  file = {};
  return format->load_files(source, found.files);
}

void check_weights(const Source& source, const Dataset& data) {
  if (!source.weighted() || source.inputs_only) return;
  if (!data.describe().weighted) {
    throw Error(ExitCode::config,
                fmt::format("{}: data.weights: only CSV and HDF5 files have weights for their "
                            "samples; trainer data convert makes an HDF5 file of any format, to "
                            "which they can be added",
                            source.path));
  }
  if (std::ranges::any_of(data.weights(), [](float w) { return w > 0; })) return;
  throw Error(ExitCode::bad_data, fmt::format("{}: all {} weights are 0: nothing could be learned",
                                              data.name(), data.size()));
}

/// What a model takes off must have been taken off.
void check_offsets(const Source& source, const Dataset& data) {
  const auto differ = [](const Offsets& wanted, const std::vector<double>& found) {
    return !wanted.find && !wanted.values.empty() && wanted.values != found;
  };
  const bool values = data.describe().target_kind == TargetKind::values && !source.inputs_only;
  if (!differ(source.input_offsets, data.offsets()) &&
      !(values && differ(source.target_offsets, data.target_offsets()))) {
    return;
  }
  throw Error(
      ExitCode::bad_data,
      fmt::format("{}: the numbers of the training data had more digits than 32-bit floats "
                  "hold, and files of this format cannot be brought to its scale\n  trainer "
                  "data convert makes an HDF5 file of them, which can",
                  source.path));
}

/// Names of classes: those that look alike are said once, of the training data.
void check_names(const Source& source, Dataset& data) {
  const std::vector<std::string>& names = data.class_names();
  check_class_names(data.targets_name(), names);
  if (!source.class_names) {
    const std::string alike = alike_classes(names);
    if (!alike.empty()) data.add_notes({fmt::format("{}: {}", data.targets_name(), alike)});
    return;
  }
  if (source.inputs_only || !source.classification) return;
  require_class_names(source.path, *source.class_names, names);
  if (!names.empty() || source.class_names->empty()) return;
  data.add_notes(
      {fmt::format("{}: its labels are numbers, taken for the classes of the training "
                   "data in their order",
                   data.targets_name())});
}

}  // namespace

std::unique_ptr<InputFile> open_inputs(const Source& source) {
  const NamedFiles found = named_files(source.path);
  return open_hdf5_inputs(source, found.files, found.group);
}

Dataset load(const Source& source) {
  Dataset data = load_any(source);
  if (source.columns && source.columns->known() && data.column_names().empty()) {
    data.add_notes({fmt::format("{}: {}", source.path, taken_by_place(*source.columns))});
  }
  check_weights(source, data);
  check_offsets(source, data);
  data.count_ignored();
  check_names(source, data);
  return data;
}

}  // namespace lockstep
