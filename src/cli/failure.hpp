#pragma once

#include <iosfwd>

#include "lockstep/base/error.hpp"

namespace lockstep::cli {

/// Writes an error as people read it: "trainer: error: ...". Errors of the configuration point at
/// the file by themselves; a bug of ours gets what a report about it needs; an empty message means
/// that another process speaks.
void print_failure(const Error& error, std::ostream& err);

}  // namespace lockstep::cli
