#pragma once

#include "lockstep/config/schema.hpp"

namespace lockstep::config {

/// The keys of [data]: a table of its own, for every format has some.
[[nodiscard]] Section data_section();

}  // namespace lockstep::config
