#include "data/wave_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

/// What the chunk "fmt " says.
struct WaveFormat {
  unsigned code = 0;  ///< 1: integers, 3: floats
  Index channels = 0;
  Index rate = 0;
  Index frame = 0;  ///< bytes of a sample of all channels
  Index bits = 0;
};

/// A chunk of name, size and content.
struct Chunk {
  std::size_t at;
  std::size_t size;  ///< of the content, as it says itself

  [[nodiscard]] std::size_t body() const { return at + 8; }
};

constexpr std::size_t kRiffHeader = 12;
constexpr std::size_t kChunkHeader = 8;
constexpr unsigned kIntegers = 1;
constexpr unsigned kFloats = 3;
constexpr unsigned kExtensible = 0xFFFE;
// Far above any recording: data.seconds of more would be memory that the file only declares.
constexpr Index kMostPerSecond = Index{1} << 22;
// Who writes to a pipe cannot go back to fill in the size: it stays 0, or one of the largest.
constexpr std::size_t kNeverFilledIn = 0x7FFF0000;

/// Walks through a RIFF file: little-endian numbers in chunks.
class WaveReader {
 public:
  explicit WaveReader(const DataFile& file) : path_(file.path), bytes_(file.bytes) {}

  Sound read() {
    for (std::size_t at = kRiffHeader; at + kChunkHeader <= bytes_.size();) {
      const Chunk chunk{at, number(at + 4, 4)};
      const std::size_t found = bytes_.size() - chunk.body();
      if (named(at, "data")) return read_data(chunk, found);
      if (chunk.size > found) reject_size(chunk, found);
      if (named(at, "fmt ")) format_ = read_format(chunk.body(), chunk.size);
      at = end_of(chunk);
    }
    reject(bytes_.size(), "expected a chunk 'data', found none");
  }

 private:
  [[noreturn]] void reject(std::size_t offset, const std::string& reason) const {
    throw Error(ExitCode::bad_data, fmt::format("{}: offset {}: {}", path_, offset, reason));
  }

  [[noreturn]] void reject_size(const Chunk& chunk, std::size_t found) const {
    reject(chunk.at, fmt::format("expected {} bytes in chunk '{}', found {}: the file is truncated",
                                 chunk.size, text(chunk.at), found));
  }

  [[nodiscard]] bool named(std::size_t at, std::string_view name) const {
    return at + name.size() <= bytes_.size() &&
           std::memcmp(bytes_.data() + at, name.data(), name.size()) == 0;
  }

  /// The name of a chunk, whatever bytes it has.
  [[nodiscard]] std::string text(std::size_t at) const {
    std::string name(reinterpret_cast<const char*>(bytes_.data()) + at, 4);
    std::ranges::replace_if(
        name, [](char c) { return c < ' ' || c > '~'; }, '?');
    return name;
  }

  [[nodiscard]] std::uint32_t number(std::size_t at, std::size_t size) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= std::to_integer<std::uint32_t>(bytes_[at + i]) << (8 * i);
    }
    return value;
  }

  /// Where the next chunk begins: chunks of odd size are followed by a byte that some leave out.
  [[nodiscard]] std::size_t end_of(const Chunk& chunk) const {
    const std::size_t end = chunk.body() + chunk.size;
    return end + (chunk.size % 2 == 1 && !named(end, "data") && !named(end, "fmt "));
  }

  /// Whether nothing but whole chunks follows.
  [[nodiscard]] bool only_chunks_from(std::size_t at) const {
    while (at + kChunkHeader <= bytes_.size()) {
      const Chunk chunk{at, number(at + 4, 4)};
      const bool is_name = std::ranges::all_of(bytes_.subspan(at, 4), [](std::byte b) {
        return b >= std::byte{' '} && b <= std::byte{'~'};
      });
      if (!is_name || named(at, "data") || chunk.size > bytes_.size() - chunk.body()) return false;
      at = end_of(chunk);
    }
    return at >= bytes_.size();
  }

  [[nodiscard]] WaveFormat read_format(std::size_t at, std::size_t size) const {
    if (size < 16) reject(at, fmt::format("expected a format of 16 bytes or more, found {}", size));
    WaveFormat format{number(at, 2), Index{number(at + 2, 2)}, Index{number(at + 4, 4)},
                      Index{number(at + 12, 2)}, Index{number(at + 14, 2)}};
    if (format.code == kExtensible && size >= 26) format.code = number(at + 24, 2);
    const bool integers =
        format.code == kIntegers && format.bits % 8 == 0 && format.bits >= 8 && format.bits <= 32;
    const bool floats = format.code == kFloats && (format.bits == 32 || format.bits == 64);
    if (!integers && !floats) {
      reject(at, fmt::format("expected PCM of 8, 16, 24 or 32 bits or floats of 32 or 64; found "
                             "format {} of {} bits\n  convert it, with SoX: sox OLD -e signed -b "
                             "16 NEW.wav",
                             format.code, format.bits));
    }
    if (format.channels == 0 || format.rate == 0 || format.rate > kMostPerSecond) {
      reject(at, fmt::format("expected at least 1 channel and 1 to {} samples per second, found {} "
                             "and {}",
                             kMostPerSecond, format.channels, format.rate));
    }
    if (const Index frame = format.channels * format.bits / 8; format.frame != frame) {
      reject(at, fmt::format("expected {} bytes for a sample of {} channels of {} bits, found {}",
                             frame, format.channels, format.bits, format.frame));
    }
    return format;
  }

  [[nodiscard]] double sample(std::size_t at) const {
    const auto bytes = static_cast<std::size_t>(format_.bits / 8);
    if (format_.code == kFloats) {
      if (bytes == 4) return double{std::bit_cast<float>(number(at, 4))};
      return std::bit_cast<double>(std::uint64_t{number(at + 4, 4)} << 32 | number(at, 4));
    }
    if (bytes == 1) return (number(at, 1) - 128.0) / 128.0;
    const std::uint32_t high = number(at, bytes) << (32 - 8 * bytes);  // the sign on top
    return static_cast<double>(static_cast<std::int32_t>(high)) * 0x1p-31;
  }

  [[nodiscard]] Sound read_data(const Chunk& chunk, std::size_t found) const {
    if (format_.code == 0) {
      reject(chunk.body(), "expected a chunk 'fmt ' before the data, found none");
    }
    const auto frame = static_cast<std::size_t>(format_.frame);
    const bool to_the_end = chunk.size == 0 ? !only_chunks_from(chunk.body())
                                            : chunk.size > found && chunk.size >= kNeverFilledIn;
    if (chunk.size > found && !to_the_end) reject_size(chunk, found);
    const std::size_t size = to_the_end ? found - found % frame : chunk.size;
    if (size % frame != 0) {
      reject(chunk.body(),
             fmt::format("expected whole samples of {} bytes, found {} bytes", frame, size));
    }
    if (size == 0) reject(chunk.body(), "expected sound, found none: no sample of it is there");
    Sound sound = read_samples(chunk.body(), size);
    sound.unfinished = to_the_end;
    sound.followed = !to_the_end && !only_chunks_from(end_of(chunk));
    return sound;
  }

  [[nodiscard]] Sound read_samples(std::size_t at, std::size_t size) const {
    const auto width = static_cast<std::size_t>(format_.bits / 8);
    const auto frame = static_cast<std::size_t>(format_.frame);
    Sound sound{.rate = format_.rate, .samples = {}, .channels = format_.channels};
    sound.samples.reserve(size / frame);
    for (std::size_t i = at; i < at + size; i += frame) {
      double sum = 0;
      for (std::size_t c = 0; c < frame; c += width) sum += sample(i + c);
      const double mean = sum / static_cast<double>(format_.channels);
      if (!(std::abs(mean) <= double{std::numeric_limits<float>::max()})) {
        reject(i, fmt::format("expected a finite number, found {}", mean));
      }
      sound.samples.push_back(static_cast<float>(mean));
    }
    return sound;
  }

  const std::string& path_;
  std::span<const std::byte> bytes_;
  WaveFormat format_;
};

}  // namespace

bool is_wav(std::span<const std::byte> bytes) {
  return bytes.size() >= kRiffHeader && std::memcmp(bytes.data(), "RIFF", 4) == 0 &&
         std::memcmp(bytes.data() + 8, "WAVE", 4) == 0;
}

Sound read_wave(const DataFile& file) {
  if (!is_wav(file.bytes)) reject_start(file, "a WAV recording, RIFF....WAVE");
  return WaveReader(file).read();
}

}  // namespace lockstep
