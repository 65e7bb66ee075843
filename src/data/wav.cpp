#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/labelled_files.hpp"
#include "data/loaders.hpp"
#include "data/log_mel.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

/// One recording: its samples in [-1, 1], channels mixed down.
struct Sound {
  Index rate = 0;
  std::vector<float> samples;
};

/// What the chunk "fmt " says.
struct WaveFormat {
  unsigned code = 0;  ///< 1: integers, 3: floats
  Index channels = 0;
  Index rate = 0;
  Index bits = 0;
};

constexpr std::size_t kRiffHeader = 12;
constexpr std::size_t kChunkHeader = 8;
constexpr unsigned kIntegers = 1;
constexpr unsigned kFloats = 3;
constexpr unsigned kExtensible = 0xFFFE;
// Far above any recording: data.seconds of more would be memory that the file only declares.
constexpr Index kMostPerSecond = Index{1} << 22;

/// Walks through a RIFF file: little-endian numbers in chunks of name, size and content.
class WaveReader {
 public:
  explicit WaveReader(const DataFile& file) : path_(file.path), bytes_(file.bytes) {}

  Sound read() {
    if (!is_wav(bytes_)) {
      reject(0, "expected the start of a WAV file, RIFF....WAVE");
    }
    for (std::size_t at = kRiffHeader; at + kChunkHeader <= bytes_.size();) {
      const std::size_t size = number(at + 4, 4);
      const std::size_t body = at + kChunkHeader;
      const std::size_t found = bytes_.size() - body;
      const bool data = named(at, "data");
      if (size > found) {
        reject(at, fmt::format("expected {} bytes in chunk '{}', found {}: the file is truncated",
                               size, text(at), found));
      }
      if (named(at, "fmt ")) format_ = read_format(body, size);
      if (data) return read_samples(body, size);
      at = body + size + size % 2;
    }
    reject(bytes_.size(), "expected a chunk 'data', found none");
  }

 private:
  [[noreturn]] void reject(std::size_t offset, const std::string& reason) const {
    throw Error(ExitCode::bad_data, fmt::format("{}: offset {}: {}", path_, offset, reason));
  }

  [[nodiscard]] bool named(std::size_t at, std::string_view name) const {
    return std::memcmp(bytes_.data() + at, name.data(), name.size()) == 0;
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

  [[nodiscard]] WaveFormat read_format(std::size_t at, std::size_t size) const {
    if (size < 16) reject(at, fmt::format("expected a format of 16 bytes or more, found {}", size));
    WaveFormat format{number(at, 2), Index{number(at + 2, 2)}, Index{number(at + 4, 4)},
                      Index{number(at + 14, 2)}};
    if (format.code == kExtensible && size >= 26) format.code = number(at + 24, 2);
    const bool integers =
        format.code == kIntegers && format.bits % 8 == 0 && format.bits >= 8 && format.bits <= 32;
    const bool floats = format.code == kFloats && (format.bits == 32 || format.bits == 64);
    if (!integers && !floats) {
      reject(at, fmt::format("expected PCM of 8, 16, 24 or 32 bits or floats of 32 or 64; found "
                             "format {} of {} bits",
                             format.code, format.bits));
    }
    if (format.channels == 0 || format.rate == 0 || format.rate > kMostPerSecond) {
      reject(at, fmt::format("expected at least 1 channel and 1 to {} samples per second, found {} "
                             "and {}",
                             kMostPerSecond, format.channels, format.rate));
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

  [[nodiscard]] Sound read_samples(std::size_t at, std::size_t size) const {
    if (format_.code == 0) reject(at, "expected a chunk 'fmt ' before the data, found none");
    const auto width = static_cast<std::size_t>(format_.bits / 8);
    const std::size_t frame = width * static_cast<std::size_t>(format_.channels);
    if (size % frame != 0) {
      reject(at, fmt::format("expected whole samples of {} bytes, found {} bytes", frame, size));
    }
    Sound sound{format_.rate, {}};
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

/// A duration in samples.
Index samples_of(double seconds, Index rate) {
  return static_cast<Index>(std::llround(seconds * static_cast<double>(rate)));
}

/// The sound of every file, cut or filled with silence, as `shape`.
class SoundWriter {
 public:
  SoundWriter(const SoundOptions& options, Index rate)
      : options_(options), length_(samples_of(options.seconds, rate)), sound_(checked_length()) {
    shape_ = {length_, 1, 1};
    if (options.features == SoundFeatures::wave) return;
    const Index window = samples_of(options.window, rate);
    const Index hop = samples_of(options.hop, rate);
    if (window < 2 || hop < 1 || window > length_) {
      throw Error(
          ExitCode::config,
          fmt::format("data.window and data.hop: expected a window from 2 samples to the {} "
                      "of data.seconds and a hop of at least 1; found {} and {} at {} Hz",
                      length_, window, hop, rate));
    }
    mel_.emplace(LogMelOptions{rate, window, hop, options.mel_bands});
    if (const Index empty = mel_->empty_bands(); empty > 0) {
      throw Error(
          ExitCode::config,
          fmt::format("data.mel_bands: {} of {} bands are narrower than the frequencies that "
                      "a window of {} samples tells apart\n"
                      "  set fewer data.mel_bands or a longer data.window",
                      empty, options.mel_bands, window));
    }
    const Index frames = mel_->frames(length_);
    shape_ = options.features == SoundFeatures::log_mel ? Shape{frames, options.mel_bands, 1}
                                                        : Shape{frames, 1, options.mel_bands};
  }

  [[nodiscard]] Shape shape() const { return shape_; }

  void write(std::span<const float> samples, std::span<float> out) {
    const std::size_t count = std::min(samples.size(), sound_.size());
    std::ranges::copy(samples.first(count), sound_.begin());
    std::fill(sound_.begin() + static_cast<std::ptrdiff_t>(count), sound_.end(), 0.0f);
    if (mel_) {
      mel_->compute(sound_, out);
    } else {
      std::ranges::copy(sound_, out.begin());
    }
  }

 private:
  [[nodiscard]] std::size_t checked_length() const {
    constexpr Index kLongest = Index{1} << 28;
    if (length_ > kLongest) {
      throw Error(ExitCode::config,
                  fmt::format("data.seconds: {} are {} samples of sound, more than "
                              "{}; set fewer",
                              options_.seconds, length_, kLongest));
    }
    if (length_ < 1) {
      throw Error(ExitCode::config, fmt::format("data.seconds: {} is less than one sample of sound",
                                                options_.seconds));
    }
    return static_cast<std::size_t>(length_);
  }

  SoundOptions options_;
  Index length_;
  std::vector<float> sound_;
  Shape shape_;
  std::optional<LogMel> mel_;
};

Sound read_sound(const std::string& path) {
  const DataFile file = read_data_file(path);
  return WaveReader(file).read();
}

}  // namespace

bool is_wav(std::span<const std::byte> bytes) {
  return bytes.size() >= kRiffHeader && std::memcmp(bytes.data(), "RIFF", 4) == 0 &&
         std::memcmp(bytes.data() + 8, "WAVE", 4) == 0;
}

Dataset load_wav(const Source& source, const std::vector<std::string>& files) {
  const LabelledFiles set = with_labels(source, files);
  Sound sound = read_sound(files.front());
  const bool known = source.sound.rate != 0;
  const Index rate = known ? source.sound.rate : sound.rate;
  SoundWriter writer(source.sound, rate);
  DatasetHeader header;
  header.shape = writer.shape();
  header.size = static_cast<Index>(files.size());
  header.rate = rate;
  header.target_kind = source.classification ? TargetKind::labels : TargetKind::values;
  Dataset dataset(source.path, header);
  const auto width = static_cast<std::size_t>(header.shape.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i > 0) sound = read_sound(files[i]);
    if (sound.rate != rate) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: expected {} samples of sound per second as in {}, found {}; "
                              "convert all files to one rate",
                              files[i], rate, known ? "training" : files.front(), sound.rate));
    }
    writer.write(sound.samples, dataset.float_inputs().subspan(i * width, width));
  }
  store_targets(source, set, dataset);
  return dataset;
}

}  // namespace lockstep
