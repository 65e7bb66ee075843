#include "lockstep/base/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace lockstep {
namespace {

// Known answers of Random123's kat_vectors for philox4x32, 10 rounds.
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, StreamsDifferInEveryPartOfTheKey) {
  const RandomKey key{.seed = 1, .purpose = RandomPurpose::layer, .a = 2, .b = 3};
  std::set<std::uint32_t> seen{random_bits(key, 0), random_bits(key, 1)};
  RandomKey other = key;
  other.seed = 2;
  seen.insert(random_bits(other, 0));
  other = key;
  other.seed = 1 + (std::uint64_t{1} << 32);
  seen.insert(random_bits(other, 0));
  other = key;
  other.purpose = RandomPurpose::shuffle;
  seen.insert(random_bits(other, 0));
  other = key;
  other.a = 9;
  seen.insert(random_bits(other, 0));
  other = key;
  other.b = 9;
  seen.insert(random_bits(other, 0));
  EXPECT_EQ(seen.size(), 7u);
}

TEST(Random, UniformAndNormalHaveTheRightMoments) {
  const RandomKey key{.seed = 5};
  double mean_uniform = 0, mean = 0, square = 0;
  constexpr int kCount = 200000;
  for (int i = 0; i < kCount; ++i) {
    const double u = random_uniform(key, static_cast<std::uint64_t>(i));
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    mean_uniform += u / kCount;
    const double n = random_normal(key, static_cast<std::uint64_t>(i));
    ASSERT_TRUE(std::isfinite(n));
    mean += n / kCount;
    square += n * n / kCount;
  }
  EXPECT_NEAR(mean_uniform, 0.5, 0.005);
  EXPECT_NEAR(mean, 0.0, 0.01);
  EXPECT_NEAR(square, 1.0, 0.015);
}

TEST(Permutation, IsOneForEverySize) {
  for (const std::uint64_t size : {1u, 2u, 3u, 4u, 5u, 16u, 17u, 1000u, 4097u}) {
    const Permutation permutation(size, {.seed = 3, .purpose = RandomPurpose::shuffle});
    std::vector<bool> seen(size, false);
    for (std::uint64_t i = 0; i < size; ++i) {
      const std::uint64_t image = permutation(i);
      ASSERT_LT(image, size);
      EXPECT_FALSE(seen[image]);
      seen[image] = true;
    }
  }
}

TEST(Permutation, WorksBeyondThirtyTwoBits) {
  const std::uint64_t size = (std::uint64_t{1} << 40) + 12345;
  const Permutation permutation(size, {.seed = 3, .purpose = RandomPurpose::shuffle});
  std::set<std::uint64_t> images;
  for (std::uint64_t i = 0; i < 1000; ++i) images.insert(permutation(i * 999999937));
  EXPECT_EQ(images.size(), 1000u);
  EXPECT_GT(*images.rbegin(), std::uint64_t{1} << 38);
}

TEST(Permutation, MovesNeighboursApart) {
  const Permutation permutation(10000, {.seed = 1, .purpose = RandomPurpose::shuffle, .a = 4});
  int close = 0;
  for (std::uint64_t i = 0; i + 1 < 10000; ++i) {
    const auto a = static_cast<std::int64_t>(permutation(i));
    const auto b = static_cast<std::int64_t>(permutation(i + 1));
    if (std::abs(a - b) < 100) ++close;
  }
  EXPECT_NEAR(close, 200, 60);  // 2 % of random pairs are that close
}

// Element by element, the same numbers as one counter at a time gives.
TEST(Random, BlocksAreTheWordsOfTheirCounters) {
  const RandomKey key{
      .seed = 0x123456789abcdef0u, .purpose = RandomPurpose::layer, .a = 7, .b = 0xfffffffeu};
  for (const std::uint64_t counter :
       {std::uint64_t{0}, std::uint64_t{0xfffffff0u}, (std::uint64_t{0xabcdef} << 32) + 160}) {
    std::array<std::uint32_t, kRandomBlock> block;
    random_block(key, counter, block);
    for (std::size_t e = 0; e < kRandomBlock; ++e) {
      const std::uint64_t element = counter + e % 16;
      const auto words =
          philox({static_cast<std::uint32_t>(element),
                  static_cast<std::uint32_t>(element >> 32) | 4u << 24, key.a, key.b},
                 {0x9abcdef0u, 0x12345678u});
      EXPECT_EQ(block[e], words[e / 16]) << e;
    }
    EXPECT_EQ(block[3], random_bits(key, counter + 3));
  }
}

}  // namespace
}  // namespace lockstep
