#pragma once

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "lockstep/base/error.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {

/// "cannot ACTION PATH: reason" for the error number of a failed system call.
[[nodiscard]] inline Error system_error(ExitCode code, const std::string& action,
                                        const std::filesystem::path& path, int error_number) {
  return Error(code, "cannot " + action + " " + path.string() + ": " +
                         std::generic_category().message(error_number) +
                         (error_number == ENOENT ? where_from(path) : ""));
}

}  // namespace lockstep
