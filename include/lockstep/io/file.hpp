#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
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

/// The size of a regular file, and its first bytes, at most as many as `head` has; the rest of
/// `head` is left alone. Errors: as read_file.
[[nodiscard]] Index look_into_file(const std::filesystem::path& path, std::span<std::byte> head);

/// A file in several parts.
using FileParts = std::initializer_list<std::span<const std::byte>>;

/// Called whenever a piece of a file has been written or read, some megabytes at most.
using PieceDone = std::function<void()>;

/// Whether a regular file holds these bytes and no more. Errors: as read_file.
[[nodiscard]] bool holds_exactly(
    const std::filesystem::path& path, FileParts parts, const PieceDone& piece_done = [] {});

/// Names of what is in a directory, in no order; one that is not there holds nothing. Errors: io.
[[nodiscard]] std::vector<std::string> names_in(const std::filesystem::path& directory);

/// True if something of this name exists, whatever it is.
[[nodiscard]] bool file_exists(const std::filesystem::path& path);

}  // namespace lockstep
