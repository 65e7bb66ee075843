#pragma once

#include <string>
#include <string_view>

#include "lockstep/base/error.hpp"
#include "lockstep/base/types.hpp"

namespace lockstep {

/// Throws Error(config) if `key` of an augmentation needs more room than the samples have.
inline void require(bool fits, std::string_view type, std::string_view what, const Shape& shape) {
  if (fits) return;
  throw Error(ExitCode::config, std::string(type) + ": " + std::string(what) +
                                    "; the samples are " + std::to_string(shape.height) + " x " +
                                    std::to_string(shape.width) + " x " +
                                    std::to_string(shape.channels) + " (height, width, channels)");
}

}  // namespace lockstep
