#include "lockstep/data/formats.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "data/folder_files.hpp"
#include "data/known_formats.hpp"
#include "data/loaders.hpp"
#include "data/paths.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/file_kind.hpp"

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

/// The first format whose files are called so, or null.
const Format* format_by_extension(const std::string& path) {
  const std::string extension = extension_of(path);
  const auto found = std::ranges::find_if(kFormats, [&](const Format& f) {
    return f.guessed && std::ranges::find(f.extensions, extension) != f.extensions.end();
  });
  return found == kFormats.end() ? nullptr : &*found;
}

bool is_one_of(const Format& format, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, format.name) != names.end();
}

}  // namespace

std::span<const Format> formats() { return kFormats; }

const Format& format_named(const std::string& name) {
  const auto found = std::ranges::find(kFormats, name, &Format::name);
  if (found == kFormats.end()) {
    throw Error(ExitCode::config,
                fmt::format("data format: expected auto, {}; found \"{}\"", known_names(), name));
  }
  return *found;
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

void check_format(const Format& format, const DataFile& file) {
  if (format.recognises(file.bytes)) return;
  if (const auto kind = kind_of_file(file.bytes)) {
    refuse_kind(file.path, *kind, fmt::format("{}, {}", format.name, format.description));
  }
}

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

}  // namespace lockstep
