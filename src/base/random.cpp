#include "lockstep/base/random.hpp"

#include <bit>
#include <cassert>
#include <cmath>
#include <numbers>

namespace lockstep {
namespace {

struct Product {
  std::uint32_t high, low;
};

Product multiply(std::uint32_t a, std::uint32_t b) {
  const std::uint64_t product = std::uint64_t{a} * b;
  return {static_cast<std::uint32_t>(product >> 32), static_cast<std::uint32_t>(product)};
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c,
                                    std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const Product p0 = multiply(0xD2511F53u, c[0]);
    const Product p1 = multiply(0xCD9E8D57u, c[2]);
    c = {p1.high ^ c[1] ^ k[0], p1.low, p0.high ^ c[3] ^ k[1], p0.low};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

std::array<std::uint32_t, 4> random_words(const RandomKey& key, std::uint64_t element) {
  // The purpose is folded into the high word of the counter, which holds the element's upper 24
  // bits.
  const auto high = static_cast<std::uint32_t>(element >> 32);
  assert(high < (1u << 24));
  return philox({static_cast<std::uint32_t>(element),
                 high | static_cast<std::uint32_t>(key.purpose) << 24, key.a, key.b},
                {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)});
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
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
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
