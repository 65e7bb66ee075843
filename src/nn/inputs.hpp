#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lockstep/base/error.hpp"
#include "lockstep/base/types.hpp"

namespace lockstep {

/// The shape of the one input of a layer of this type.
/// Errors: throws if there is not exactly one, or if it has no elements.
inline Shape only_input(std::string_view type, std::span<const Shape> inputs) {
  if (inputs.size() != 1) {
    throw Error(ExitCode::config, std::string(type) + ": expected 1 input, found " +
                                      std::to_string(inputs.size()) + "; name one value");
  }
  const Shape& s = inputs[0];
  if (s.height < 1 || s.width < 1 || s.channels < 1) {
    throw Error(ExitCode::config,
                std::string(type) + ": expected an input with at least 1 element, found " +
                    std::to_string(s.height) + "x" + std::to_string(s.width) + "x" +
                    std::to_string(s.channels) + "; check the shape of the value before it");
  }
  return s;
}

}  // namespace lockstep
