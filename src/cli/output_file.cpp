#include "cli/output_file.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "lockstep/base/error.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep::cli {

void check_output(const std::string& file, bool force) {
  if (!file_exists(file)) return;
  if (!std::filesystem::is_regular_file(file)) {
    throw Error(ExitCode::cannot_create,
                fmt::format("{} is no regular file; give --out the name of a file", file));
  }
  if (force) return;
  throw Error(ExitCode::cannot_create,
              fmt::format("{} exists, nothing was written; to replace it add: --force", file));
}

}  // namespace lockstep::cli
