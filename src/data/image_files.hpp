#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lockstep/data/formats.hpp"

// For formats with one image per file.

namespace lockstep {

inline constexpr Index kMaxExtent = 65536;  ///< rows or columns of an image

struct Image {
  Shape shape;  ///< rows, columns, and 1 channel of grey or 3 of red, green and blue
  std::vector<std::byte> pixels;  ///< 0: dark, 255: bright
};

/// All images with their labels. Errors: bad_data unless all have one shape, besides those of
/// `read` and of the labels.
[[nodiscard]] Dataset load_images(const Source& source, const std::vector<std::string>& files,
                                  Image (*read)(const DataFile&));

}  // namespace lockstep
