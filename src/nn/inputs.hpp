#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lockstep/base/error.hpp"
#include "lockstep/base/types.hpp"

namespace lockstep {

/// "4x3x2": height, width, channels.
inline std::string shape_text(const Shape& s) {
  return std::to_string(s.height) + "x" + std::to_string(s.width) + "x" +
         std::to_string(s.channels);
}

/// Errors: throws if an input of a layer of this type has no elements.
inline void require_elements(std::string_view type, const Shape& s) {
  if (s.height < 1 || s.width < 1 || s.channels < 1) {
    throw Error(ExitCode::config, std::string(type) +
                                      ": expected an input with at least 1 element, found " +
                                      shape_text(s) + "; check the shape of the value before it");
  }
}

/// The shape of the one input of a layer of this type.
/// Errors: throws if there is not exactly one, or if it has no elements.
inline Shape only_input(std::string_view type, std::span<const Shape> inputs) {
  if (inputs.size() != 1) {
    throw Error(ExitCode::config, std::string(type) + ": expected 1 input, found " +
                                      std::to_string(inputs.size()) + "; name one value");
  }
  require_elements(type, inputs[0]);
  return inputs[0];
}

/// Errors: throws if `shape` is no sequence (T, 1, C) of at least `fewest` positions.
inline void require_sequence(std::string_view type, const Shape& shape, Index fewest = 1) {
  if (shape.width == 1 && shape.height >= fewest) return;
  const std::string positions =
      fewest > 1 ? " of at least " + std::to_string(fewest) + " positions" : std::string();
  throw Error(ExitCode::config, std::string(type) + ": expected a sequence (T, 1, C)" + positions +
                                    ", found " + shape_text(shape) +
                                    "; store the samples as (samples, T, 1, C)");
}

/// The shape of the first input of a layer that joins several.
/// Errors: throws if there are fewer than two, or if one has no elements.
inline Shape first_of_several(std::string_view type, std::span<const Shape> inputs) {
  if (inputs.size() < 2) {
    throw Error(ExitCode::config, std::string(type) + ": expected at least 2 inputs, found " +
                                      std::to_string(inputs.size()) +
                                      R"(; name them, such as from = ["a", "b"])");
  }
  for (const Shape& s : inputs) require_elements(type, s);
  return inputs[0];
}

}  // namespace lockstep
