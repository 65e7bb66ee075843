#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// True if the bytes start like a gzip file.
[[nodiscard]] bool is_gzip(std::span<const std::byte> bytes);

/// The content of a gzip file of one or more members, checksums verified.
/// Errors: bad_data with `label` if the file is truncated, corrupt, followed by anything else, or
/// holds more than `limit` bytes.
[[nodiscard]] std::vector<std::byte> inflate(std::span<const std::byte> bytes, Index limit,
                                             const std::string& label);

/// The most that a compressed file of `compressed_bytes` may unfold to before it is taken for a
/// bomb: 256 MiB, or 200 times its size. Images and text stay far below.
[[nodiscard]] constexpr Index inflation_limit(Index compressed_bytes) {
  constexpr Index floor = Index{256} << 20;
  constexpr Index ratio = 200;
  return compressed_bytes > floor / ratio ? compressed_bytes * ratio : floor;
}

}  // namespace lockstep
