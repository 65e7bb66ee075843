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

/// A chunk of a RIFF file.
inline std::string riff_chunk(const std::string& name, const std::string& content) {
  return name + little_endian(static_cast<std::uint32_t>(content.size())) + content +
         std::string(content.size() % 2, '\0');
}

/// The content of a chunk "fmt ": code 1 is for integers, 3 for floats.
inline std::string wav_format(int code, int channels, int rate, int bits) {
  const auto u16 = [](int value) { return little_endian(static_cast<std::uint16_t>(value)); };
  const auto u32 = [](int value) { return little_endian(static_cast<std::uint32_t>(value)); };
  const int frame = channels * bits / 8;
  return u16(code) + u16(channels) + u32(rate) + u32(rate * frame) + u16(frame) + u16(bits);
}

inline std::string wav_file(const std::string& format, const std::string& data,
                            const std::string& more_chunks = {}) {
  const std::string chunks =
      "WAVE" + riff_chunk("fmt ", format) + more_chunks + riff_chunk("data", data);
  return riff_chunk("RIFF", chunks);
}

/// A recording of 16-bit numbers, one channel.
inline std::string wav_file(const std::vector<int>& samples, int rate = 8000) {
  std::string data;
  for (const int sample : samples) data += little_endian(static_cast<std::int16_t>(sample));
  return wav_file(wav_format(1, 1, rate, 16), data);
}

/// A record of CIFAR-10 whose planes have these colours.
inline std::string cifar_record(int label, int red, int green, int blue) {
  std::string record(1, static_cast<char>(label));
  for (const int colour : {red, green, blue})
    record += std::string(1024, static_cast<char>(colour));
  return record;
}

}  // namespace lockstep
