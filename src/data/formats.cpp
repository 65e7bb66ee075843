#include "lockstep/data/formats.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/io/gzip.hpp"

namespace lockstep {
namespace {

bool has_no_mark(std::span<const std::byte>) { return false; }

constexpr std::array<std::string_view, 2> kIdxExtensions = {"idx", "ubyte"};
constexpr std::array<std::string_view, 4> kCsvExtensions = {"csv", "tsv", "txt", "data"};
constexpr std::array<std::string_view, 1> kNpyExtensions = {"npy"};
constexpr std::array<std::string_view, 3> kHdf5Extensions = {"h5", "hdf5", "hdf"};

constexpr std::array<Format, 4> kFormats = {{
    {"idx", "IDX as of MNIST, images and labels in two files", kIdxExtensions, is_idx, load_idx},
    {"csv", "text, one sample per line, one target column", kCsvExtensions, has_no_mark, load_csv},
    {"npy", "NumPy arrays, inputs and targets in two files", kNpyExtensions, is_npy, load_npy},
    {"hdf5", "datasets of an HDF5 file, FILE or FILE:GROUP", kHdf5Extensions, is_hdf5, load_hdf5},
}};

std::string known_names() {
  std::vector<std::string_view> names;
  for (const Format& format : kFormats) names.push_back(format.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// "csv" of "dir/Name.CSV.gz".
std::string extension_of(const std::string& path) {
  std::filesystem::path name = std::filesystem::path(path).filename();
  if (name.extension() == ".gz") name = name.stem();
  std::string extension = name.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension.empty() ? extension : extension.substr(1);
}

const Format& format_named(const std::string& name) {
  const auto found = std::ranges::find(kFormats, name, &Format::name);
  if (found == kFormats.end()) {
    throw Error(ExitCode::config,
                fmt::format("data format: expected auto, {}; found \"{}\"", known_names(), name));
  }
  return *found;
}

const Format& format_of(const DataFile& file) {
  const auto by_content =
      std::ranges::find_if(kFormats, [&](const Format& f) { return f.recognises(file.bytes); });
  if (by_content != kFormats.end()) return *by_content;
  const std::string extension = extension_of(file.path);
  const auto by_extension = std::ranges::find_if(kFormats, [&](const Format& f) {
    return std::ranges::find(f.extensions, extension) != f.extensions.end();
  });
  if (by_extension == kFormats.end()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: neither content nor extension tell the format; set data.type to "
                            "one of {}",
                            file.path, known_names()));
  }
  return *by_extension;
}

}  // namespace

DataFile read_data_file(const std::string& path) {
  DataFile file{path, {}, read_file(path)};
  if (is_gzip(file.bytes)) {
    file.bytes = inflate(file.bytes, inflation_limit(static_cast<Index>(file.bytes.size())), path);
  }
  return file;
}

DataFile read_labels_file(const Source& source) {
  if (source.labels_path.empty()) {
    throw Error(ExitCode::config,
                fmt::format("{}: this format keeps labels in a second file, and none is named; set "
                            "data.train_labels or data.val_labels, or give --labels",
                            source.path));
  }
  return read_data_file(source.labels_path);
}

std::span<const Format> formats() { return kFormats; }

Dataset load(const Source& source) {
  const Format* chosen = source.type == "auto" ? nullptr : &format_named(source.type);
  // FILE:GROUP, unless a file of that very name exists.
  const std::size_t colon = source.path.rfind(':');
  const bool grouped = colon != std::string::npos && !file_exists(source.path);
  DataFile file = read_data_file(source.path.substr(0, grouped ? colon : std::string::npos));
  if (grouped) file.group = source.path.substr(colon + 1);
  return (chosen != nullptr ? *chosen : format_of(file)).load(source, file);
}

}  // namespace lockstep
