#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lockstep/data/formats.hpp"

// For formats with one image per file.

namespace lockstep {

inline constexpr Index kMaxExtent = 65536;  ///< rows or columns of an image

/// An image as its file has it, from 0, dark, to 255, bright. What a byte cannot hold is `fine`:
/// the same range in smaller steps.
struct Image {
  Shape shape;  ///< rows, columns, and 1 channel of grey or 3 of red, green and blue
  std::vector<std::byte> pixels{};
  std::vector<float> fine{};  ///< in place of pixels
  bool transparent = false;   ///< in parts, which is left out
  bool followed = false;      ///< by more, such as further images, which is left out
};

/// All images with their labels; reals if one of them is fine.
/// Errors: bad_data unless all have one shape, besides those of `read` and of the labels.
[[nodiscard]] Dataset load_images(const Source& source, const std::vector<std::string>& files,
                                  Image (*read)(const DataFile&));

}  // namespace lockstep
