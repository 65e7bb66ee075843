#include "lockstep/io/sealed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lockstep/base/error.hpp"
#include "lockstep/base/file_kind.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {
namespace {

// The layout is that of the table in the header.
constexpr std::array<char, 8> kMagic = {'L', 'O', 'C', 'K', 'S', 'T', 'E', 'P'};
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kReservedAt = 12;
constexpr std::size_t kLengthAt = 16;
constexpr std::size_t kStepAt = 24;
constexpr std::size_t kDigestAt = 32;
constexpr std::size_t kPaddingAt = 48;

/// Writes the low `count` bytes of `value`, least significant first.
void put(Seal& trailer, std::size_t at, std::uint64_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    trailer[at + i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
  }
}

std::uint64_t get(std::span<const std::byte> trailer, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value |= std::to_integer<std::uint64_t>(trailer[at + i]) << (8 * i);
  }
  return value;
}

[[noreturn]] void reject(const std::string& label, const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("{}: {}", label, reason));
}

/// Errors: Error(bad_data) if the file is plainly no checkpoint, which is an HDF5 file.
void check_kind(std::span<const std::byte> bytes, const std::string& label) {
  const auto kind = kind_of_file(bytes);
  if (kind && !is_hdf5(bytes)) refuse_kind(label, *kind, "a checkpoint");
}

/// Checks all that a trailer says of a file of `size` bytes but the digest of its content.
void check_trailer(std::span<const std::byte> trailer, std::size_t size, const std::string& label) {
  if (size < kSealBytes) {
    reject(label, fmt::format("too short: expected at least {} bytes, found {}", kSealBytes, size));
  }
  const auto is_magic = [](std::byte b, char c) { return b == static_cast<std::byte>(c); };
  if (!std::ranges::equal(trailer.first(kMagic.size()), kMagic, is_magic)) {
    reject(label, fmt::format("{}: the file is truncated or was not written by Lockstep", kNoSeal));
  }
  if (const auto version = get(trailer, kVersionAt, 4); version != kVersion) {
    reject(label, fmt::format("seal of version {}: this program reads version {}{}", version,
                              kVersion, version > kVersion ? "; use a newer program" : ""));
  }
  if (const auto found = get(trailer, kLengthAt, 8); found != size - kSealBytes) {
    reject(label, fmt::format("the seal is that of {} bytes, found {}", found, size - kSealBytes));
  }
}

/// `file` is as the functions of io/file.hpp take it: a path, or a directory and a name.
template <typename... File>
std::vector<std::byte> read_if_sealed(const std::string& label, const File&... file) {
  constexpr Index kBeginning = 4096;  // tells what else a file may be
  check_kind(read_beginning(file..., kBeginning), label);
  Seal trailer{};
  const Index size = look_at_end_of_file(file..., trailer);
  check_trailer(trailer, static_cast<std::size_t>(size), label);
  return read_file(file...);
}

}  // namespace

std::vector<std::byte> read_sealed_file(const std::filesystem::path& path) {
  return read_if_sealed(path.string(), path);
}

std::vector<std::byte> read_sealed_file(const Directory& directory, const std::string& name) {
  return read_if_sealed((directory.path() / name).string(), directory, name);
}

Seal seal_of(std::span<const std::byte> image, std::uint64_t step) {
  Seal trailer{};
  std::ranges::transform(kMagic, trailer.begin(), [](char c) { return static_cast<std::byte>(c); });
  put(trailer, kVersionAt, kVersion, 4);
  put(trailer, kLengthAt, image.size(), 8);
  put(trailer, kStepAt, step, 8);
  Digester digester;
  digester.update(image);
  digester.update(std::span(trailer).first(kDigestAt));
  const Digest digest = digester.finish();
  put(trailer, kDigestAt, digest.high, 8);
  put(trailer, kDigestAt + 8, digest.low, 8);
  return trailer;
}

Sealed unseal(std::span<const std::byte> bytes, const std::string& label) {
  const std::size_t length = bytes.size() - std::min(bytes.size(), kSealBytes);
  const auto trailer = bytes.subspan(length);
  check_trailer(trailer, bytes.size(), label);
  const Digest expected{get(trailer, kDigestAt, 8), get(trailer, kDigestAt + 8, 8)};
  const Digest found = digest_of(bytes.first(length + kDigestAt));
  if (found != expected) {
    reject(label, fmt::format("the content was changed: expected digest {}, found {}",
                              expected.hex(), found.hex()));
  }
  if (get(trailer, kReservedAt, 4) != 0 || get(trailer, kPaddingAt, 8) != 0 ||
      get(trailer, kPaddingAt + 8, 8) != 0) {
    reject(label, "bytes of the seal that must be zero are not");
  }
  return {bytes.first(length), get(trailer, kStepAt, 8), expected};
}

}  // namespace lockstep
