#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/io/safetensors.hpp"

namespace lockstep {

/// The name of an entry that is no tensor, but texts.
inline constexpr std::string_view kSafetensorsMetadata = "__metadata__";

/// Where the numbers of a tensor are in the data.
struct SafetensorsEntry {
  SafetensorsTensor tensor;  ///< without them
  Index begin;
  Index end;
};

/// What stands before the numbers of a file.
struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsEntry> entries;  ///< in the order of their data, all of which they cover
};

/// That of a file of `file_bytes` bytes; `beginning` are its first ones, with all of the header.
/// Errors: as read_safetensors.
[[nodiscard]] SafetensorsHeader read_safetensors_header(std::span<const std::byte> beginning,
                                                        Index file_bytes, const std::string& label);

}  // namespace lockstep
