#pragma once

#include <zlib.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

// PNG images, written by hand.

namespace lockstep::png_testing {

inline constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";

inline std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

inline std::string chunk(const std::string& type, const std::string& content) {
  const std::string body = type + content;
  const uLong sum =
      ::crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<std::uint32_t>(content.size())) + body +
         big_endian(static_cast<std::uint32_t>(sum));
}

enum Colour { grey = 0, rgb = 2, palette = 3, grey_alpha = 4, rgb_alpha = 6 };

inline std::string header(std::uint32_t width, std::uint32_t height, int depth, Colour colour,
                          bool interlaced = false) {
  return chunk("IHDR", big_endian(width) + big_endian(height) + static_cast<char>(depth) +
                           static_cast<char>(colour) + std::string(2, '\0') +
                           static_cast<char>(interlaced));
}

inline std::string packed(const std::string& content) {
  std::string text(::compressBound(content.size()), '\0');
  uLongf size = text.size();
  ::compress(reinterpret_cast<Bytef*>(text.data()), &size,
             reinterpret_cast<const Bytef*>(content.data()), content.size());
  text.resize(size);
  return text;
}

/// Chunks before the pixels, then these: rows, each with its filter, 0, in front.
inline std::string png(const std::string& head, const std::string& rows) {
  return std::string(kSignature) + head + chunk("IDAT", packed(rows)) + chunk("IEND", "");
}

inline std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

}  // namespace lockstep::png_testing
