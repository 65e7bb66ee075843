#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// What a random number is for. Part of the key, so that no two uses share a stream. Values are
/// part of the checkpoint contract: never renumber.
enum class RandomPurpose : std::uint32_t {
  initialization = 1,
  shuffle = 2,
  holdout = 3,
  layer = 4,
  augmentation = 5,
  windows = 6,
  generation = 7,
};

/// Names one stream of random numbers; the element within it is the counter. Nothing random is ever
/// stored: a number is a pure function of (seed, purpose, a, b, element).
struct RandomKey {
  std::uint64_t seed = 0;
  RandomPurpose purpose = RandomPurpose::initialization;
  std::uint32_t a = 0;  ///< step or epoch, or the tensor's number
  std::uint32_t b = 0;  ///< layer, or 0
};

/// Philox 4x32-10: four independent 32-bit numbers for one counter.
/// Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
[[nodiscard]] std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                                  std::array<std::uint32_t, 2> key);

/// 128 random bits of element `element` (below 2^56) of the stream; random_bits is the first word.
[[nodiscard]] std::array<std::uint32_t, 4> random_words(const RandomKey& key,
                                                        std::uint64_t element);
/// 32 random bits of element `element` of the stream.
[[nodiscard]] std::uint32_t random_bits(const RandomKey& key, std::uint64_t element);
/// Uniform in [0, 1), a multiple of 2^-24.
[[nodiscard]] double random_uniform(const RandomKey& key, std::uint64_t element);
/// Standard normal (Box-Muller), |value| < 6.
[[nodiscard]] double random_normal(const RandomKey& key, std::uint64_t element);

/// Numbers that `random_block` makes at a time.
inline constexpr std::size_t kRandomBlock = 64;

/// 32 random bits for each of 64 neighbours, made side by side: all four words of the counters
/// [counter, counter + 16), first the first words, then the second ones, and so on. `counter` is a
/// multiple of 16 below 2^56.
void random_block(const RandomKey& key, std::uint64_t counter,
                  std::span<std::uint32_t, kRandomBlock> out);

/// A pseudo-random permutation of [0, size), computed and not stored: a Feistel network of Philox
/// rounds over the next even power of two, walked until it lands inside.
/// Cost: about 2 evaluations of 6 rounds per call on average, no memory.
class Permutation {
 public:
  Permutation(std::uint64_t size, const RandomKey& key);
  /// The image of `position` (< size).
  [[nodiscard]] std::uint64_t operator()(std::uint64_t position) const;
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  static constexpr int kRounds = 6;
  std::uint64_t size_;
  std::uint32_t half_bits_;
  RandomKey key_;
};

}  // namespace lockstep
