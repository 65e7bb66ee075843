#pragma once

#include <string>

namespace lockstep::cli {

/// Checks that a file of this name may be written: there is none, or it is a regular file and
/// `force` says that it may be replaced. Errors: Error(cannot_create).
void require_writable(const std::string& path, bool force);

}  // namespace lockstep::cli
