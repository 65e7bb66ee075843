#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/io/digest.hpp"
#include "lockstep/io/directory.hpp"

namespace lockstep {

/// A seal is a trailer of 64 bytes behind an image, integers little-endian:
///
///     offset  bytes
///          0      8  magic "LOCKSTEP"
///          8      4  version of the trailer, 1
///         12      4  zero
///         16      8  length of the image
///         24      8  step
///         32     16  XXH3-128 over the image and the 32 bytes above, high word first
///         48     16  zero
///
/// HDF5 tools read a sealed HDF5 file like any other: bytes behind the end of the image are
/// ignored.
inline constexpr std::size_t kSealBytes = 64;
/// How it is said that there is none.
inline constexpr std::string_view kNoSeal = "no seal at its end";

using Seal = std::array<std::byte, kSealBytes>;

/// The trailer of an image.
[[nodiscard]] Seal seal_of(std::span<const std::byte> image, std::uint64_t step);

/// What an intact file holds. `image` is a view of the bytes given to `unseal`.
struct Sealed {
  std::span<const std::byte> image;
  std::uint64_t step = 0;
  Digest digest;
};

/// The bytes of a sealed file, for `unseal`. Its beginning and its trailer are looked at before
/// memory is taken for the rest: a file that cannot be one takes none, however large it is. Errors:
/// as read_file; bad_data with the reason if it is a file of another kind, which is named, or the
/// trailer is not that of a file of this size.
[[nodiscard]] std::vector<std::byte> read_sealed_file(const std::filesystem::path& path);
/// The same of a file of an open directory.
[[nodiscard]] std::vector<std::byte> read_sealed_file(const Directory& directory,
                                                      const std::string& name);

/// Verifies every byte of a sealed file, also those of the trailer.
/// Errors: bad_data with `label`, the reason, and the expected and found values.
[[nodiscard]] Sealed unseal(std::span<const std::byte> bytes, const std::string& label);

}  // namespace lockstep
