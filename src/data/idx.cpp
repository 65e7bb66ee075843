#include <fmt/format.h>

#include <optional>

#include "data/loaders.hpp"
#include "data/number_array.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

[[noreturn]] void reject(const DataFile& file, std::size_t offset, const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("{}: offset {}: {}", file.path, offset, reason));
}

std::optional<NumberType> type_of(unsigned code) {
  switch (code) {
    case 0x08:
      return NumberType::u8;
    case 0x09:
      return NumberType::i8;
    case 0x0B:
      return NumberType::i16;
    case 0x0C:
      return NumberType::i32;
    case 0x0D:
      return NumberType::f32;
    case 0x0E:
      return NumberType::f64;
    default:
      return std::nullopt;
  }
}

/// Reads the header: two zero bytes, type, number of dimensions, then each dimension in four
/// big-endian bytes.
NumberArray parse_idx(const DataFile& file) {
  const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(file.bytes[i]); };
  if (!is_idx(file.bytes)) {
    reject_start(file, "an IDX file, 00 00, a type of 08 to 0E, 1 to 4 dimensions");
  }
  const auto rank = std::size_t{byte(3)};
  const std::size_t header = 4 + 4 * rank;
  if (file.bytes.size() < header) {
    reject(file, 4,
           fmt::format("expected a header of {} bytes, found a file of {}", header,
                       file.bytes.size()));
  }
  NumberArray array{file.path, {}, *type_of(byte(2)), std::endian::big, {}};
  for (std::size_t at = 4; at < header; at += 4) {
    array.dimensions.push_back(Index{byte(at)} << 24 | Index{byte(at + 1)} << 16 |
                               Index{byte(at + 2)} << 8 | Index{byte(at + 3)});
  }
  array.data = std::span(file.bytes).subspan(header);
  const Index expected = array_bytes(array.dimensions, array.type);
  if (expected < 0) reject(file, 4, "the dimensions declare more bytes than any file can hold");
  if (const auto found = static_cast<Index>(array.data.size()); found != expected) {
    reject(file, header,
           fmt::format("expected {} bytes of data, found {}: {}", expected, found,
                       found < expected ? "the file is truncated" : "something follows the data"));
  }
  return array;
}

}  // namespace

bool is_idx(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && bytes[0] == std::byte{0} && bytes[1] == std::byte{0} &&
         type_of(std::to_integer<unsigned>(bytes[2])).has_value() && bytes[3] >= std::byte{1} &&
         bytes[3] <= std::byte{4};
}

Dataset load_idx(const Source& source, const DataFile& file) {
  NumberArray inputs = parse_idx(file);
  inputs.channels_first = source.channels_first;
  inputs.offsets = source.input_offsets;
  if (source.inputs_only) return make_dataset(inputs, source.classification);
  const DataFile labels = read_labels_file(source);
  NumberArray targets = parse_idx(labels);
  targets.ignored = source.ignore_label;
  targets.offsets = source.target_offsets;
  return make_dataset(inputs, targets, {}, source.classification);
}

}  // namespace lockstep
