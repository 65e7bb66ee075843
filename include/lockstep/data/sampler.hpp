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

/// Which sample comes when: a pure function of (seed, epoch, position), nothing stored. Every
/// sample comes exactly once per epoch; the last batch of an epoch may be smaller.
class Sampler {
 public:
  /// Requires samples >= 1 and batch >= 1.
  Sampler(std::uint64_t seed, Index samples, Index batch, bool shuffle);

  [[nodiscard]] Index steps_per_epoch() const { return (samples_ + batch_ - 1) / batch_; }
  /// The batch of `step`, counted from 0 over all epochs.
  [[nodiscard]] BatchRange batch(std::uint64_t step) const;
  /// The sample at `position` (< samples) of an epoch: the position itself without shuffling.
  /// Cost: two evaluations of the permutation on average, no memory.
  [[nodiscard]] Index sample(std::uint64_t epoch, Index position) const;

 private:
  std::uint64_t seed_;
  Index samples_;
  Index batch_;
  bool shuffle_;
};

}  // namespace lockstep
