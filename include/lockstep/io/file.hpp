#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "lockstep/base/types.hpp"
#include "lockstep/io/directory.hpp"

namespace lockstep {

/// The largest file read by default. It only guards against mistakes: memory is taken for what the
/// file holds, if there is as much.
inline constexpr Index kMaxFileBytes = Index{1} << 40;

/// Whether so many bytes (kMaxFileBytes at most) fit into memory, as far as known; few always do.
[[nodiscard]] bool fits_into_memory(Index bytes);

/// The whole content of a regular file; directories, pipes and devices are refused, never waited
/// for.
/// Errors: no_input if missing or unreadable, no_permission, bad_data if not a regular file, above
/// `size_limit` bytes or more than fits into memory.
[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& path,
                                               Index size_limit = kMaxFileBytes);
/// The same of a file of an open directory, whatever its path leads to by now.
[[nodiscard]] std::vector<std::byte> read_file(const Directory& directory, const std::string& name,
                                               Index size_limit = kMaxFileBytes);

/// The first `count` bytes of a regular file, or all of a shorter one.
/// Errors: as read_file.
[[nodiscard]] std::vector<std::byte> read_beginning(const std::filesystem::path& path, Index count);
[[nodiscard]] std::vector<std::byte> read_beginning(const Directory& directory,
                                                    const std::string& name, Index count);

/// The size of a regular file, and its first bytes, at most as many as `head` has; the rest of
/// `head` is left alone.
/// Errors: as read_file.
[[nodiscard]] Index look_into_file(const std::filesystem::path& path, std::span<std::byte> head);

/// The same of its last bytes; a shorter file stands at the front of `tail`.
[[nodiscard]] Index look_at_end_of_file(const std::filesystem::path& path,
                                        std::span<std::byte> tail);
[[nodiscard]] Index look_at_end_of_file(const Directory& directory, const std::string& name,
                                        std::span<std::byte> tail);

/// A file in several parts.
using FileParts = std::initializer_list<std::span<const std::byte>>;

/// Called whenever a piece of a file has been written or read, some megabytes at most.
using PieceDone = std::function<void()>;

/// Whether a regular file of an open directory holds these bytes and no more.
/// Errors: as read_file.
[[nodiscard]] bool holds_exactly(
    const Directory& directory, const std::string& name, FileParts parts,
    const PieceDone& piece_done = [] {});

/// For messages about a file that is not there: on a line of its own, where a relative path begins;
/// nothing for an absolute one.
[[nodiscard]] std::string where_from(const std::filesystem::path& path);

/// True if something of this name exists, whatever it is.
[[nodiscard]] bool file_exists(const std::filesystem::path& path);

}  // namespace lockstep
