#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "lockstep/io/file.hpp"

namespace lockstep {

/// How the name of every temporary file of `write_atomically` starts.
inline constexpr std::string_view kTemporaryPrefix = ".lockstep-tmp-";

/// Replaces the file at `path` so that at any instant, even of a power cut, it holds all of the old
/// or all of the new bytes: temporary file in the same directory, fsync, rename, fsync of the
/// directory. When it returns, the bytes are on stable storage. When it throws, the temporary is
/// gone; the old file is untouched unless the last step, the fsync of the directory, was what
/// failed.
/// Errors: cannot_create if the temporary cannot be created, io if writing fails; both name `path`
/// and the reason. The process must ignore SIGXFSZ, or a file size limit kills it before an error
/// can be returned.
void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_atomically(const std::filesystem::path& path, FileParts parts);
/// The same for a file of an open directory, whatever its path leads to by now.
void write_atomically(
    const Directory& directory, const std::string& name, FileParts parts,
    const PieceDone& piece_done = [] {});

/// Removes the temporaries that killed writers left in `directory`. Call it only while holding the
/// directory's lock: a temporary does not tell whether its writer lives.
/// Errors: io.
void remove_stale_temporaries(const Directory& directory);

}  // namespace lockstep
