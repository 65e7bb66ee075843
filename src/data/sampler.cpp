#include "lockstep/data/sampler.hpp"

#include <algorithm>
#include <cassert>

#include "lockstep/base/random.hpp"

namespace lockstep {

Sampler::Sampler(std::uint64_t seed, Index samples, Index batch, bool shuffle, const Blocks& blocks)
    : seed_(seed), samples_(samples), batch_(batch), shuffle_(shuffle), blocks_(blocks) {
  assert(samples >= 1 && batch >= 1);
}

BatchRange Sampler::batch(std::uint64_t step) const {
  const auto steps = static_cast<std::uint64_t>(steps_per_epoch());
  const Index first = static_cast<Index>(step % steps) * batch_;
  return {step / steps, first, std::min(batch_, samples_ - first)};
}

Index Sampler::sample(std::uint64_t epoch, Index position) const {
  assert(0 <= position && position < samples_);
  if (!shuffle_) return position;
  if (blocks_.rows == 0) return permuted(epoch, 0, samples_, position);
  const Index window = window_of(position);
  const Index first = window * blocks_.window * blocks_.rows;
  const Index rows = std::min(blocks_.window * blocks_.rows, samples_ - first);
  const Index slot = permuted(epoch, 1 + window, rows, position - first);
  return block(epoch, window * blocks_.window + slot / blocks_.rows) * blocks_.rows +
         slot % blocks_.rows;
}

Index Sampler::windows() const {
  const Index rows = blocks_.window * blocks_.rows;
  return (samples_ + rows - 1) / rows;
}

Index Sampler::block(std::uint64_t epoch, Index place) const {
  const Index whole = samples_ / blocks_.rows;
  return shuffle_ && place < whole ? permuted(epoch, 0, whole, place) : place;
}

Index Sampler::permuted(std::uint64_t epoch, Index stream, Index size, Index position) const {
  const RandomKey key{seed_, RandomPurpose::shuffle, static_cast<std::uint32_t>(epoch),
                      static_cast<std::uint32_t>(stream)};
  const Permutation order(static_cast<std::uint64_t>(size), key);
  return static_cast<Index>(order(static_cast<std::uint64_t>(position)));
}

}  // namespace lockstep
