#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// The largest file read by default. It only guards against mistakes: memory is taken for what the
/// file holds.
inline constexpr Index kMaxFileBytes = Index{1} << 40;

/// The whole content of a regular file; directories, pipes and devices are refused, never waited
/// for. Errors: no_input if missing or unreadable, no_permission, bad_data if not a regular file or
/// above `size_limit` bytes.
[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& path,
                                               Index size_limit = kMaxFileBytes);

/// True if something of this name exists, whatever it is.
[[nodiscard]] bool file_exists(const std::filesystem::path& path);

}  // namespace lockstep
