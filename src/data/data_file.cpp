// Reading a file of samples or labels, whatever its format.
#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/file_kind.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/io/gzip.hpp"

namespace lockstep {

DataFile unpacked_file(const std::string& path) {
  DataFile file{path, {}, read_file(path)};
  if (is_gzip(file.bytes)) {
    file.bytes = inflate(file.bytes, inflation_limit(static_cast<Index>(file.bytes.size())), path);
  }
  return file;
}

namespace {

/// Errors: bad_data for HDF5 that does not fit into memory, as which it need not be read.
void check_room(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error || fits_into_memory(static_cast<Index>(size))) return;
  std::array<std::byte, 8> head{};
  const Index bytes = look_into_file(path, head);
  if (!is_hdf5(head)) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: its {} bytes do not fit into memory\n  set data.memory, such as "
                          "data.memory = \"1 GiB\": inputs then stay in their file, and are read "
                          "when they are wanted",
                          path, bytes));
}

}  // namespace

DataFile read_data_file(const std::string& path) {
  check_room(path);
  DataFile file = unpacked_file(path);
  if (file.bytes.empty()) {
    throw Error(ExitCode::bad_data, fmt::format("{}: the file is empty", path));
  }
  const auto kind = kind_of_file(file.bytes);
  if (kind && (kind->use != FileUse::data || is_gzip(file.bytes))) {
    refuse_kind(path, *kind, "samples or their labels");
  }
  return file;
}

void reject_start(const DataFile& file, std::string_view expected) {
  if (const auto kind = kind_of_file(file.bytes)) refuse_kind(file.path, *kind, expected);
  throw Error(ExitCode::bad_data, fmt::format("{}: offset 0: expected the start of {}, found other "
                                              "bytes; replace or remove the file",
                                              file.path, expected));
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

}  // namespace lockstep
