#pragma once

#include "lockstep/base/error.hpp"

namespace lockstep {

/// The exception that is being handled, as an Error: lack of memory or of threads is the system's
/// failure, what nobody foresaw is a bug of ours.
[[nodiscard]] Error current_error();

}  // namespace lockstep
