#include "lockstep/data/formats.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "data/folder_files.hpp"
#include "data/hdf5_sets.hpp"
#include "data/labelled_files.hpp"
#include "data/loaders.hpp"
#include "data/paths.hpp"
#include "data/table_columns.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/file_kind.hpp"
#include "lockstep/io/limited_child.hpp"

namespace lockstep {
namespace {

bool has_no_mark(std::span<const std::byte>) { return false; }

constexpr std::array<std::string_view, 2> kIdxExtensions = {"idx", "ubyte"};
constexpr std::array<std::string_view, 4> kCsvExtensions = {"csv", "tsv", "txt", "data"};
constexpr std::array<std::string_view, 1> kNpyExtensions = {"npy"};
constexpr std::array<std::string_view, 3> kHdf5Extensions = {"h5", "hdf5", "hdf"};

constexpr std::array<std::string_view, 1> kCifarExtensions = {"bin"};
constexpr std::array<std::string_view, 2> kWavExtensions = {"wav", "wave"};

constexpr std::array<std::string_view, 2> kTextExtensions = {"text", "txt"};

constexpr std::array<std::string_view, 3> kPnmExtensions = {"pgm", "ppm", "pnm"};

constexpr std::array<std::string_view, 1> kPngExtensions = {"png"};

constexpr std::array<Format, 9> kFormats = {{
    {"idx", "IDX as of MNIST, images and labels in two files", kIdxExtensions, is_idx, load_idx},
    {"csv", "text, one sample per line, one target column", kCsvExtensions, has_no_mark, nullptr,
     load_csv, true, false},
    {"npy", "NumPy arrays, inputs and targets in two files", kNpyExtensions, is_npy, load_npy},
    {"hdf5", "datasets of an HDF5 file, FILE or FILE:GROUP", kHdf5Extensions, is_hdf5, load_hdf5},
    {"cifar10", "binary batches of CIFAR-10", kCifarExtensions, has_no_mark, load_cifar10},
    {"wav", "recordings, one file each", kWavExtensions, is_wav, nullptr, load_wav},
    {"pnm", "images as PGM and PPM, one file each", kPnmExtensions, is_pnm, nullptr, load_pnm},
    {"png", "images as PNG, one file each", kPngExtensions, is_png, nullptr, load_png},
    {"text", "one text, the next symbols of which are predicted", kTextExtensions, has_no_mark,
     nullptr, load_text, false},
}};

std::string known_names() {
  std::vector<std::string_view> names;
  for (const Format& format : kFormats) names.push_back(format.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

const Format& format_named(const std::string& name) {
  const auto found = std::ranges::find(kFormats, name, &Format::name);
  if (found == kFormats.end()) {
    throw Error(ExitCode::config,
                fmt::format("data format: expected auto, {}; found \"{}\"", known_names(), name));
  }
  return *found;
}

/// The first format whose files are called so, or null.
const Format* format_by_extension(const std::string& path) {
  const std::string extension = extension_of(path);
  const auto found = std::ranges::find_if(kFormats, [&](const Format& f) {
    return f.guessed && std::ranges::find(f.extensions, extension) != f.extensions.end();
  });
  return found == kFormats.end() ? nullptr : &*found;
}

bool is_folder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

const Format& format_of(const DataFile& file) {
  const auto by_content =
      std::ranges::find_if(kFormats, [&](const Format& f) { return f.recognises(file.bytes); });
  if (by_content != kFormats.end()) return *by_content;
  const Format* const by_extension = format_by_extension(file.path);
  if (by_extension == nullptr) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: neither content nor extension tell the format; set data.type to "
                            "one of {}",
                            file.path, known_names()));
  }
  return *by_extension;
}

/// The format with one file per sample of which a folder has files, or null.
/// Errors: Error(bad_data) if its files are of several formats, Error(no_input) if of none.
const Format* format_of_folder(const std::string& path) {
  if (!is_folder(path)) return nullptr;
  const Format* found = nullptr;
  std::vector<std::string_view> known;
  const std::vector<std::string> files = look_below(path).files;
  for (const Format& f : kFormats) {
    if (!f.guessed || f.load_files == nullptr || !f.in_folders) continue;
    known.insert(known.end(), f.extensions.begin(), f.extensions.end());
    if (std::ranges::none_of(files, [&](const auto& file) { return has_extension(file, f); })) {
      continue;
    }
    if (found != nullptr) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: expected files of one format, found {} and {}; choose one with "
                              "data.type = \"{}\"",
                              path, found->name, f.name, found->name));
    }
    found = &f;
  }
  if (found == nullptr) {
    throw Error(
        ExitCode::no_input,
        fmt::format("{}: expected files that end in .{}, found {}{}", path, fmt::join(known, ", ."),
                    files.empty() ? "none" : counts_by_extension(files), remedy_for(files, path)));
  }
  return found;
}

Dataset load_folder(const Format& format, const Source& source) {
  const FolderFiles found = files_of_format(source, format, source.type != "auto");
  Dataset data = format.load_files(source, found.files);
  data.add_notes(found.notes);
  return data;
}

/// Errors: Error(bad_data) if the file is plainly of another format.
void check_format(const Format& format, const DataFile& file) {
  if (format.recognises(file.bytes)) return;
  if (const auto kind = kind_of_file(file.bytes)) {
    refuse_kind(file.path, *kind, fmt::format("{}, {}", format.name, format.description));
  }
}

void check_group(const Format& format, const std::string& path, const NamedFiles& named) {
  if (named.group.empty() || format.load == load_hdf5) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: only files of HDF5 have groups; {} has the format {}", path,
                          named.files.front(), format.name));
}

/// All samples of `parts`, one after the other; each is that of a file.
Dataset joined(const Source& source, const std::vector<std::string>& paths,
               std::vector<Dataset> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  DatasetHeader header = parts.front().describe();
  for (const Dataset& part : std::span(parts).subspan(1)) {
    DatasetHeader other = part.describe();
    header.size += std::exchange(other.size, parts.front().size());
    if (other != parts.front().describe()) {
      throw Error(
          ExitCode::bad_data,
          fmt::format("{}: expected samples and targets as in {}, found another shape or type",
                      part.name(), parts.front().name()));
    }
    require_class_names(part.name(), parts.front().class_names(), part.class_names());
  }
  Dataset all(source.path, header);
  all.set_targets_name(source.labels_path);
  auto inputs = all.input_bytes().begin();
  auto targets = all.target_bytes().begin();
  auto weights = all.weight_bytes().begin();
  std::vector<FileOfSamples> files;
  Index samples = 0;
  for (const Dataset& part : parts) {
    files.push_back({paths[files.size()], std::exchange(samples, samples + part.size())});
    inputs = std::ranges::copy(part.input_bytes(), inputs).out;
    targets = std::ranges::copy(part.target_bytes(), targets).out;
    weights = std::ranges::copy(part.weight_bytes(), weights).out;
  }
  all.set_class_names(parts.front().class_names());
  all.set_offsets(parts.front().offsets(), parts.front().target_offsets());
  for (const Dataset& part : parts) all.add_notes(part.notes());
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

bool is_one_of(const Format& format, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, format.name) != names.end();
}

/// Errors: config for a key that means nothing to the format.
void check_keys(const Source& source, const Format& format) {
  if (source.of_other_files) return;
  const auto refuse = [&](std::string_view key, std::string_view formats) {
    throw Error(ExitCode::config, fmt::format("{}: data.{} is for files of {}, not for {}",
                                              source.path, key, formats, format.name));
  };
  if (source.channels_first && !is_one_of(format, {"idx", "npy", "hdf5"})) {
    refuse("layout", "NPY, HDF5 and IDX");
  }
  if (source.ignore_label && !is_one_of(format, {"idx", "npy", "hdf5", "csv"})) {
    refuse("ignore_label", "CSV, NPY, HDF5 and IDX");
  }
  if (!source.labels_path.empty() && !is_one_of(format, {"idx", "npy", "wav", "pnm", "png"})) {
    throw Error(ExitCode::config,
                fmt::format("{}: its format, {}, holds the labels itself, and no file of labels is "
                            "read; found {}\n  leave out data.train_labels, data.val_labels or "
                            "--labels",
                            source.path, format.name, source.labels_path));
  }
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
  if (source.memory > 0 && (find_out || source.type == "hdf5")) {
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
  if (format->load_files != nullptr) {
    file = {};
    return format->load_files(source, found.files);
  }

  std::vector<std::string> labels(found.files.size());
  if (!source.labels_path.empty()) labels = matching_files(source.labels_path);
  if (labels.size() != found.files.size()) {
    throw Error(ExitCode::config,
                fmt::format("{}: expected as many files of labels as of inputs, {}; found {}",
                            source.labels_path, found.files.size(), labels.size()));
  }
  std::vector<Dataset> parts;
  std::vector<ClassesOfFile> classes;
  for (std::size_t i = 0; i < found.files.size(); ++i) {
    if (i > 0) file = read_data_file(found.files[i]);
    file.group = found.group;
    check_format(*format, file);
    Source one = source;
    one.path = found.files[i];
    one.labels_path = labels[i];
    if (source.of_stranger && format->load == load_hdf5) try_in_child(one, file);
    if (i > 0) {  // the first file says what is taken off
      one.input_offsets = {false, parts.front().offsets()};
      one.target_offsets = {false, parts.front().target_offsets()};
    }
    parts.push_back(format->load(one, file));
    if (format->load != load_hdf5 || !source.classification || source.inputs_only) continue;
    const bool texts = has_text_targets(source, file);
    classes.push_back({file.path, texts ? parts.back().class_names() : std::vector<std::string>()});
  }
  share_classes(source, classes, parts);
  return joined(source, found.files, std::move(parts));
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

}  // namespace

std::span<const Format> formats() { return kFormats; }

std::string same_file(const std::string& file, const std::string& path) {
  const auto is_read = [](const std::string& below) {
    const Format* const format = format_by_extension(below);
    return format != nullptr && (format->load_files != nullptr || format->load == load_hdf5);
  };
  try {
    const bool folder = is_folder(path);
    for (const std::string& read : folder ? look_below(path).files : named_files(path).files) {
      std::error_code error;
      if ((!folder || is_read(read)) && std::filesystem::equivalent(file, read, error)) return read;
    }
  } catch (const Error&) {
    // What cannot be looked into cannot be read.
  }
  return "";
}

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
  data.count_ignored();
  check_class_names(data.targets_name(), data.class_names());
  if (source.class_names && !source.inputs_only && source.classification) {
    require_class_names(source.path, *source.class_names, data.class_names());
  }
  return data;
}

void require_class_names(const std::string& name, const std::vector<std::string>& expected,
                         const std::vector<std::string>& found) {
  if (expected.empty() || found.empty() || expected == found) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: expected the classes {}; found {}: equal numbers would mean "
                          "different classes",
                          name, fmt::join(expected, ", "), fmt::join(found, ", ")));
}

}  // namespace lockstep
