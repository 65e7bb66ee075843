#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lockstep/base/error.hpp"

namespace lockstep {

/// What a kind of file is good for.
enum class FileUse {
  data,     ///< samples that are read here
  weights,  ///< of a network, which are imported
  text,     ///< letters, but hardly those that were meant
  other,    ///< a format that other programs read
  nothing,  ///< the content is not there
};

/// What a file turns out to be, whatever it is called.
struct FileKind {
  std::string what;    ///< such as "an HTML page"
  std::string remedy;  ///< how to come to what was meant; may be empty
  FileUse use = FileUse::other;
};

/// Recognises a file by its content. Nothing for what may be plain text or plain numbers, and for
/// an empty file.
[[nodiscard]] std::optional<FileKind> kind_of_file(std::span<const std::byte> bytes);

/// Whether a file begins as HDF5 does.
[[nodiscard]] bool is_hdf5(std::span<const std::byte> bytes);

/// Errors: always, of this code: what the file is, what was expected, and the remedy.
[[noreturn]] void refuse_kind(const std::string& path, const FileKind& kind,
                              std::string_view expected, ExitCode code = ExitCode::bad_data);

}  // namespace lockstep
