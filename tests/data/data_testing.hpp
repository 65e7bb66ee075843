#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace lockstep {

/// The bytes of a number, most significant first.
template <typename T>
std::string big_endian(T value) {
  const auto* bytes = reinterpret_cast<const char*>(&value);
  return {std::make_reverse_iterator(bytes + sizeof(T)), std::make_reverse_iterator(bytes)};
}

template <typename T>
std::string little_endian(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

/// An IDX header; the data is to follow.
inline std::string idx_header(char type, std::initializer_list<std::uint32_t> dimensions) {
  std::string header = {0, 0, type, static_cast<char>(dimensions.size())};
  for (const std::uint32_t dimension : dimensions) header += big_endian(dimension);
  return header;
}

/// A NumPy file, version 1.
inline std::string npy_file(const std::string& type, const std::string& shape,
                            const std::string& data, const std::string& fortran = "False") {
  const std::string text =
      "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }   \n";
  return std::string("\x93NUMPY\1\0", 8) + little_endian(static_cast<std::uint16_t>(text.size())) +
         text + data;
}

}  // namespace lockstep
