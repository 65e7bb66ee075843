#include "lockstep/data/sampler.hpp"

#include <algorithm>
#include <cassert>

#include "lockstep/base/random.hpp"

namespace lockstep {

Sampler::Sampler(std::uint64_t seed, Index samples, Index batch, bool shuffle)
    : seed_(seed), samples_(samples), batch_(batch), shuffle_(shuffle) {
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
  const RandomKey key{seed_, RandomPurpose::shuffle, static_cast<std::uint32_t>(epoch), 0};
  const Permutation order(static_cast<std::uint64_t>(samples_), key);
  return static_cast<Index>(order(static_cast<std::uint64_t>(position)));
}

}  // namespace lockstep
