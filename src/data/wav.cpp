#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/file_tally.hpp"
#include "data/labelled_files.hpp"
#include "data/loaders.hpp"
#include "data/log_mel.hpp"
#include "data/wave_file.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

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

/// Of how many recordings something was lost or added.
class SoundTally {
 public:
  explicit SoundTally(double seconds) : seconds_(seconds) {}

  void add(const Sound& sound, const std::string& file) {
    const double length = static_cast<double>(sound.samples.size());
    const double given = std::round(seconds_ * static_cast<double>(sound.rate));
    if (length > given) longer_.add(file);
    if (length < given) shorter_.add(file);
    longest_ = std::max(longest_, length / static_cast<double>(sound.rate));
    shortest_ = std::min(shortest_, length / static_cast<double>(sound.rate));
    if (sound.channels > 1) mixed_.add(file);
    if (sound.unfinished) unfinished_.add(file);
    if (sound.followed) followed_.add(file);
  }

  void say(std::size_t count, Dataset& dataset) const {
    const auto note = [&](const FileTally& tally, const std::string& what) {
      if (tally.empty()) return;
      dataset.add_notes({fmt::format("{}: {} {}: {}", dataset.name(), tally.of(count, "recordings"),
                                     what, tally.first())});
    };
    note(longer_, fmt::format("longer than data.seconds = {} and cut, the longest of {:.4g} s",
                              seconds_, longest_));
    note(shorter_, fmt::format("shorter than data.seconds = {}, filled with silence, the shortest "
                               "of {:.4g} s",
                               seconds_, shortest_));
    note(mixed_, "of several channels, of which the mean is taken");
    note(unfinished_,
         "whose writer did not fill in the size of the sound: taken to the end of "
         "the file");
    note(followed_, "with bytes behind the sound that are no part of it, left out");
  }

 private:
  double seconds_;
  double longest_ = 0, shortest_ = std::numeric_limits<double>::infinity();
  FileTally longer_, shorter_, mixed_, unfinished_, followed_;
};

}  // namespace

Dataset load_wav(const Source& source, const std::vector<std::string>& files) {
  const LabelledFiles set = with_labels(source, files);
  Sound sound = read_wave(read_data_file(files.front()));
  const bool known = source.sound.rate != 0;
  const Index rate = known ? source.sound.rate : sound.rate;
  SoundWriter writer(source.sound, rate);
  DatasetHeader header;
  header.shape = writer.shape();
  header.size = static_cast<Index>(files.size());
  header.rate = rate;
  header.target_kind = source.classification ? TargetKind::labels : TargetKind::values;
  Dataset dataset(source.path, header);
  SoundTally tally(source.sound.seconds);
  const auto width = static_cast<std::size_t>(header.shape.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i > 0) sound = read_wave(read_data_file(files[i]));
    if (sound.rate != rate) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: expected {} samples of sound per second as in {}, found {}; "
                              "convert all files to one rate",
                              files[i], rate, known ? "training" : files.front(), sound.rate));
    }
    writer.write(sound.samples, dataset.float_inputs().subspan(i * width, width));
    tally.add(sound, files[i]);
  }
  tally.say(files.size(), dataset);
  store_targets(source, set, dataset);
  return dataset;
}

}  // namespace lockstep
