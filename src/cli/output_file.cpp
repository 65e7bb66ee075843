#include "cli/output_file.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "lockstep/base/error.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep::cli {

void require_writable(const std::string& path, bool force) {
  if (!file_exists(path)) return;
  if (!std::filesystem::is_regular_file(path)) {
    throw Error(ExitCode::cannot_create,
                fmt::format("{} is no regular file; give --out the name of a file", path));
  }
  if (force) return;
  throw Error(ExitCode::cannot_create,
              fmt::format("{} exists, nothing was written; to replace it add: --force", path));
}

}  // namespace lockstep::cli
