#pragma once

#include <cstdint>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// The positions of one global batch within an epoch: [first, first + size).
struct BatchRange {
  std::uint64_t epoch = 0;
  Index first = 0;
  Index size = 0;

  friend bool operator==(const BatchRange&, const BatchRange&) = default;
};

/// How samples are cut that are not all in memory: `rows` neighbours are a block, which is read as
/// a whole, and `window` blocks in the order of an epoch are in memory together. rows = 0: no
/// blocks.
struct Blocks {
  Index rows = 0;
  Index window = 0;

  friend bool operator==(const Blocks&, const Blocks&) = default;
};

/// Which sample comes when: a pure function of (seed, epoch, position), nothing stored. Every
/// sample comes exactly once per epoch; the last batch of an epoch may be smaller.
///
/// Shuffling permutes all samples; with blocks, it permutes the blocks, and then the samples within
/// each window of blocks. Samples at the end that do not fill a block stay in the last window.
class Sampler {
 public:
  /// Requires samples >= 1 and batch >= 1.
  Sampler(std::uint64_t seed, Index samples, Index batch, bool shuffle, const Blocks& blocks = {});

  [[nodiscard]] Index steps_per_epoch() const { return (samples_ + batch_ - 1) / batch_; }
  /// The batch of `step`, counted from 0 over all epochs.
  [[nodiscard]] BatchRange batch(std::uint64_t step) const;
  /// The sample at `position` (< samples) of an epoch: the position itself without shuffling.
  /// Cost: two evaluations of the permutation on average, no memory.
  [[nodiscard]] Index sample(std::uint64_t epoch, Index position) const;

  /// Windows of an epoch; all but the last have as many samples.
  [[nodiscard]] Index windows() const;
  /// The window of a position.
  [[nodiscard]] Index window_of(Index position) const {
    return position / (blocks_.rows * blocks_.window);
  }
  /// Blocks of an epoch; the last may be smaller.
  [[nodiscard]] Index block_count() const { return (samples_ + blocks_.rows - 1) / blocks_.rows; }
  /// The block, samples [block * rows, (block + 1) * rows), that comes at `place` in an epoch.
  [[nodiscard]] Index block(std::uint64_t epoch, Index place) const;

 private:
  /// Permutation number `stream` of [0, size) in this epoch.
  [[nodiscard]] Index permuted(std::uint64_t epoch, Index stream, Index size, Index position) const;

  std::uint64_t seed_;
  Index samples_;
  Index batch_;
  bool shuffle_;
  Blocks blocks_;
};

}  // namespace lockstep
