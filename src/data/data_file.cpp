// Reading a file of samples or labels, whatever its format.
#include <fmt/format.h>

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

DataFile read_data_file(const std::string& path) {
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
