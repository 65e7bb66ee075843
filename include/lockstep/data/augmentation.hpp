#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "lockstep/base/random.hpp"
#include "lockstep/data/normalization.hpp"

// The catalogue of augmentations: what is done to a training sample whenever it is read. Each is
// written in src/data/augmentations/NAME.cpp and named for configs in
// src/setup/catalogue/augmentations.cpp.

namespace lockstep {

/// The random numbers of one augmentation for one sample in one epoch: a pure function of (seed,
/// epoch, place of the augmentation in the list, sample).
class Draws {
 public:
  /// `key` has purpose augmentation, the epoch and the place; sample < 2^32.
  Draws(const RandomKey& key, Index sample)
      : key_(key), first_(static_cast<std::uint64_t>(sample) << kBits) {}

  [[nodiscard]] std::uint32_t epoch() const { return key_.a; }
  /// Those of the same sample in another epoch.
  [[nodiscard]] Draws in_epoch(std::uint32_t epoch) const {
    Draws other = *this;
    other.key_.a = epoch;
    return other;
  }

  /// How many numbers there are.
  static constexpr int kBits = 24;

  /// 128 bits of number `i` < 2^kBits.
  [[nodiscard]] std::array<std::uint32_t, 4> words(Index i) const {
    return random_words(key_, first_ + static_cast<std::uint64_t>(i));
  }
  /// Number `i` as an integer in [low, high], each as likely.
  [[nodiscard]] Index between(Index i, Index low, Index high) const {
    const auto count = static_cast<std::uint64_t>(high - low + 1);
    return low + static_cast<Index>(std::uint64_t{words(i)[0]} * count >> 32);
  }
  /// Number `i` in [0, 1).
  [[nodiscard]] double uniform(Index i) const { return (words(i)[0] >> 8) * 0x1p-24; }

 private:
  RandomKey key_;
  std::uint64_t first_;
};

/// A normalised sample that is changed in place.
struct SampleView {
  Shape shape;
  std::span<Real> values;       ///< row-major, (height, width, channels)
  std::span<const Real> blank;  ///< of each channel: what a stored 0 is when normalised
};

/// One way to change a sample so that its answer stays right.
class Augmentation {
 public:
  virtual ~Augmentation() = default;

  /// The name of the type, as in configs: "shift".
  [[nodiscard]] virtual std::string_view type() const = 0;
  /// Throws Error(config) if samples of this shape cannot be changed so.
  virtual void check(const Shape& shape) const = 0;
  /// Allocates nothing and may be called from many threads.
  virtual void apply(const SampleView& sample, const Draws& draws) const = 0;
};

/// What comes in from outside when the content of a sample is moved.
enum class Border {
  blank,    ///< stored zeros: black, silence
  edge,     ///< the outermost row or column again
  reflect,  ///< the sample mirrored at its outermost row or column
};

/// Moves the content by up to `pixels` in each direction, anew for every sample and epoch. Cutting
/// a window of the old size from a sample that was padded by as much gives the same.
/// Errors: check throws for samples that are not larger than 2 * pixels.
std::unique_ptr<Augmentation> shift(Index pixels, Border border = Border::blank);

/// Pads by `padding` on every side and cuts out a window of the old size at random; as `shift`, but
/// named as in most recipes for colour images.
/// Source: He, Zhang, Ren, Sun 2015, arXiv 1512.03385.
std::unique_ptr<Augmentation> crop(Index padding, Border border = Border::reflect);

/// Moves the content along the first axis, the time, by up to `steps`.
std::unique_ptr<Augmentation> time_shift(Index steps, Border border = Border::blank);

/// Swaps left and right with this probability. `alternate`: that holds for the first epoch, and
/// each later one has a sample the other way than the one before it, so that within two epochs both
/// ways are seen.
/// Source: Jordan 2024, "94% on CIFAR-10 in 3.29 seconds", arXiv 2404.00498.
std::unique_ptr<Augmentation> horizontal_flip(double probability = 0.5, bool alternate = false);

/// Sets a square of this size to 0, the mean of normalised data. Its centre is anywhere in the
/// image, so that parts of it may lie outside.
/// Source: DeVries, Taylor 2017, arXiv 1708.04552.
std::unique_ptr<Augmentation> cutout(Index size);

/// Adds noise of this deviation, in units of the normalised data, to every number: the sum of four
/// random bytes, which is nearly normal and ends at 3.45 deviations.
std::unique_ptr<Augmentation> noise(double deviation);

struct MaskOptions {
  Index time = 0;        ///< largest width of a mask over time; 0: none
  Index time_masks = 1;  ///< how many of them
  Index bands = 0;       ///< largest width of a mask over frequency bands; 0: none
  Index band_masks = 1;
};

/// Sets stretches of time and of frequency to 0, the mean of normalised data. Time is the first
/// axis; bands are the second, or the channels if the width is 1. Each mask has a width from 0 to
/// the largest.
/// Source: Park et al. 2019, "SpecAugment", arXiv 1904.08779.
std::unique_ptr<Augmentation> mask(const MaskOptions& options);

/// All augmentations of a run, in their order.
class Augmenter {
 public:
  /// Errors: Error(config) if one does not fit the shape.
  Augmenter(std::vector<std::unique_ptr<Augmentation>> list, const Shape& shape,
            const Normalization& normalization, std::uint64_t seed);

  /// Changes the normalised values of a sample: a pure function of (seed, epoch, sample) and of the
  /// values. Allocates nothing and may be called from many threads.
  void apply(std::uint64_t epoch, Index sample, std::span<Real> values) const;

 private:
  std::vector<std::unique_ptr<Augmentation>> list_;
  Shape shape_;
  std::vector<Real> blank_;
  std::uint64_t seed_;
};

}  // namespace lockstep
