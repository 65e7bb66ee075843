#include "lockstep/base/random.hpp"

#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <numbers>

#include "lockstep/base/portable_math.hpp"

namespace lockstep {
namespace {

struct Product {
  std::uint32_t high, low;
};

Product multiply(std::uint32_t a, std::uint32_t b) {
  const std::uint64_t product = std::uint64_t{a} * b;
  return {static_cast<std::uint32_t>(product >> 32), static_cast<std::uint32_t>(product)};
}

// The constants of Philox 4x32.
constexpr std::uint32_t kFactor0 = 0xD2511F53u, kFactor1 = 0xCD9E8D57u;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;

std::array<std::uint32_t, 4> counter_of(const RandomKey& key, std::uint64_t element) {
  // The purpose is folded into the high word of the counter, which holds the element's upper 24
  // bits.
  const auto high = static_cast<std::uint32_t>(element >> 32);
  assert(high < (1u << 24));
  return {static_cast<std::uint32_t>(element), high | static_cast<std::uint32_t>(key.purpose) << 24,
          key.a, key.b};
}

std::array<std::uint32_t, 2> seed_words(const RandomKey& key) {
  return {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)};
}

// Sixteen words side by side, and as eight pairs.
using Words [[gnu::vector_size(64)]] = std::uint32_t;
using WordPairs [[gnu::vector_size(64)]] = std::uint64_t;

// The upper and lower words of words * factor.
void multiply(const Words& words, std::uint32_t factor, Words& high, Words& low) {
  constexpr std::uint64_t kLow = 0xffffffffu;
  const auto pairs = reinterpret_cast<WordPairs>(words);
  const WordPairs even = (pairs & kLow) * std::uint64_t{factor};
  const WordPairs odd = (pairs >> 32) * std::uint64_t{factor};
  low = reinterpret_cast<Words>((even & kLow) | (odd << 32));
  high = reinterpret_cast<Words>((even >> 32) | (odd & ~kLow));
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c,
                                    std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const Product p0 = multiply(kFactor0, c[0]);
    const Product p1 = multiply(kFactor1, c[2]);
    c = {p1.high ^ c[1] ^ k[0], p1.low, p0.high ^ c[3] ^ k[1], p0.low};
    k[0] += kWeyl0;
    k[1] += kWeyl1;
  }
  return c;
}

std::array<std::uint32_t, 4> random_words(const RandomKey& key, std::uint64_t element) {
  return philox(counter_of(key, element), seed_words(key));
}

std::uint32_t random_bits(const RandomKey& key, std::uint64_t element) {
  return random_words(key, element)[0];
}

double random_uniform(const RandomKey& key, std::uint64_t element) {
  return (random_bits(key, element) >> 8) * 0x1p-24;
}

double random_normal(const RandomKey& key, std::uint64_t element) {
  const auto words = random_words(key, element);
  const double u = (words[0] >> 8) * 0x1p-24 + 0x1p-25;
  const double v = (words[1] >> 8) * 0x1p-24;
  return std::sqrt(-2.0 * portable::log(u)) * portable::cos(2.0 * std::numbers::pi * v);
}

void random_block(const RandomKey& key, std::uint64_t counter,
                  std::span<std::uint32_t, kRandomBlock> out) {
  assert(counter % 16 == 0);
  const std::array<std::uint32_t, 4> first = counter_of(key, counter);
  std::array<std::uint32_t, 2> k = seed_words(key);
  Words c0 = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  c0 += first[0];
  Words c1 = Words{} + first[1], c2 = Words{} + first[2], c3 = Words{} + first[3];
  for (int round = 0; round < 10; ++round) {
    Words high0, low0, high1, low1;
    multiply(c0, kFactor0, high0, low0);
    multiply(c2, kFactor1, high1, low1);
    c0 = high1 ^ c1 ^ k[0];
    c1 = low1;
    c2 = high0 ^ c3 ^ k[1];
    c3 = low0;
    k[0] += kWeyl0;
    k[1] += kWeyl1;
  }
  std::memcpy(out.data(), &c0, sizeof c0);
  std::memcpy(out.data() + 16, &c1, sizeof c1);
  std::memcpy(out.data() + 32, &c2, sizeof c2);
  std::memcpy(out.data() + 48, &c3, sizeof c3);
}

Permutation::Permutation(std::uint64_t size, const RandomKey& key) : size_(size), key_(key) {
  assert(size >= 1 && size <= (std::uint64_t{1} << 62));
  const auto bits = static_cast<std::uint32_t>(std::bit_width(size - 1));
  half_bits_ = bits < 2 ? 1 : (bits + 1) / 2;
}

std::uint64_t Permutation::operator()(std::uint64_t position) const {
  assert(position < size_);
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  do {
    std::uint64_t left = position >> half_bits_;
    std::uint64_t right = position & mask;
    for (int round = 0; round < kRounds; ++round) {
      const std::uint64_t mixed =
          left ^ (random_bits(key_, right << 3 | static_cast<std::uint64_t>(round)) & mask);
      left = right;
      right = mixed;
    }
    position = left << half_bits_ | right;
  } while (position >= size_);  // a permutation of the power of two: walking its cycle comes back
  return position;
}

}  // namespace lockstep
