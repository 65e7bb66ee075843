#pragma once

#include <string>

namespace lockstep::cli {

/// Checks that a command may write this file, before it does any work. Errors: Error(cannot_create)
/// if it exists, unless to be replaced by `force`, or is no regular file.
void check_output(const std::string& file, bool force);

}  // namespace lockstep::cli
