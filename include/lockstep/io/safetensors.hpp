#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {

// The format in which weights travel between programs: nothing in it can be executed.
//
//     offset  bytes
//          0      8  N, length of the header, little-endian
//          8      N  JSON: {"__metadata__": {TEXT: TEXT, ...},
//                           NAME: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
//      8 + N         numbers, row-major and little-endian; offsets count from here
//
// Source: github.com/huggingface/safetensors, "Format".

/// A named array; its elements lie somewhere else.
struct SafetensorsTensor {
  std::string name;   ///< "fc1.weight"
  std::string dtype;  ///< "F32"
  std::vector<Index> shape;
  std::span<const std::byte> data;

  /// The elements as floats: of F64, rounded, F32, F16 and BF16.
  /// Errors: Error(bad_data) for any other type and for numbers that are not finite as floats.
  [[nodiscard]] std::vector<float> floats() const;
};

/// What a file holds.
struct Safetensors {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsTensor> tensors;  ///< in the order of their data

  /// The tensor of this name; null if there is none.
  [[nodiscard]] const SafetensorsTensor* find(const std::string& name) const;
};

/// The longest header that is read, and the longest name in it, in bytes.
inline constexpr std::size_t kMaxSafetensorsHeader = 100'000'000;
inline constexpr std::size_t kMaxSafetensorsName = 1024;

/// Bytes that say how long the header is.
inline constexpr std::size_t kSafetensorsBeginning = 8;

/// How many bytes of a file stand before its numbers, by its first bytes.
/// Errors: Error(bad_data) if a file of `file_bytes` bytes cannot have as many.
[[nodiscard]] Index safetensors_beginning(std::span<const std::byte> beginning, Index file_bytes,
                                          const std::string& label);

/// Checks all but the numbers of a file of `file_bytes` bytes, by what stands before them. Errors:
/// as read_safetensors.
void check_safetensors(std::span<const std::byte> beginning, Index file_bytes,
                       const std::string& label);

/// Reads a file that nobody vouches for; `file` must outlive the result. Offsets must cover the
/// data without gap or overlap, names be unique and printable, sizes be those of shape and type.
/// Errors: Error(bad_data) with `label`, the tensor, what was expected and found.
[[nodiscard]] Safetensors read_safetensors(std::span<const std::byte> file,
                                           const std::string& label);

/// The bytes of a file, the numbers at a multiple of 8; the same as the Python library writes for
/// tensors in this order. Requires names and sizes as `read_safetensors` does.
[[nodiscard]] std::vector<std::byte> write_safetensors(const Safetensors& content);

}  // namespace lockstep
