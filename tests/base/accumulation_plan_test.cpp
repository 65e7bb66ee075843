#include "lockstep/base/accumulation_plan.hpp"

#include <gtest/gtest.h>

#include "lockstep/base/caches.hpp"

#include <algorithm>

namespace lockstep {
namespace {

TEST(AccumulationPlan, CoverTheShareInOrderAsEquallyAsPossible) {
  for (Index count = 1; count <= 20; ++count) {
    for (Index wanted = 1; wanted <= 25; ++wanted) {
      for (int threads = 1; threads <= 5; ++threads) {
        const AccumulationPlan rounds = cut_into_rounds({7, count}, wanted, threads);
        ASSERT_EQ(static_cast<Index>(rounds.size()), std::min(wanted, count));
        Index at = 7;
        for (const std::vector<MicrobatchRange>& parts : rounds) {
          Index least = count;
          Index most = 0;
          for (const MicrobatchRange& part : parts) {
            EXPECT_EQ(part.first, at);
            at = part.end();
            least = std::min(least, part.count);
            most = std::max(most, part.count);
          }
          EXPECT_GE(least, 1);
          EXPECT_LE(most, least + 1);
          EXPECT_LE(static_cast<int>(parts.size()), threads);
          EXPECT_LE(most, most_microbatches(rounds));
          EXPECT_LE(static_cast<Index>(parts.size()), most_parts(rounds));
        }
        EXPECT_EQ(at, 7 + count);
      }
    }
  }
}

TEST(AccumulationPlan, HaveAPartForEachThreadThatStaysBusy) {
  const auto parts = [](Index count, Index rounds, int threads) {
    return most_parts(cut_into_rounds({0, count}, rounds, threads));
  };
  EXPECT_EQ(parts(8, 1, 1), 1);
  EXPECT_EQ(parts(8, 1, 2), 2);
  EXPECT_EQ(parts(8, 4, 2), 2);
  EXPECT_EQ(parts(8, 8, 2), 1);  // one microbatch a round: both threads compute it
  EXPECT_EQ(parts(8, 1, 3), 3);  // 3 + 3 + 2
  EXPECT_EQ(parts(8, 1, 6), 1);  // 2 + 2 + 1 + 1 + 1 + 1
  EXPECT_EQ(parts(8, 1, 8), 8);
  EXPECT_EQ(parts(1, 1, 16), 1);
}

TEST(AccumulationPlan, HaveRoomForEverySmallerBatch) {
  for (Index wanted = 1; wanted <= 5; ++wanted) {
    for (int threads = 1; threads <= 3; ++threads) {
      const AccumulationPlan rounds = cut_into_rounds({3, 5}, wanted, threads);
      const Index room = most_samples(rounds, 50, 11);
      for (Index samples = 0; samples <= 50; ++samples) {
        for (const std::vector<MicrobatchRange>& parts : rounds) {
          for (const MicrobatchRange& part : parts) EXPECT_LE(samples_in(part, samples, 11), room);
        }
      }
      EXPECT_LE(room, 50 * most_microbatches(rounds) / 11 + 2);
    }
  }
}

TEST(AccumulationPlan, ForSpeedHaveNoFewerActivationsThanParameters) {
  const Caches here = caches();
  set_caches({.first = 32 << 10, .second = 2 << 20, .third = 32 << 20});
  constexpr Index million = 1'000'000;
  EXPECT_EQ(rounds_for_speed(64, 20 * million, million, 1), 20);
  EXPECT_EQ(rounds_for_speed(64, 20 * million, million, 4), 4);  // in 5, threads would wait
  EXPECT_EQ(rounds_for_speed(8, 20 * million, million, 1), 8);   // one microbatch each
  EXPECT_EQ(rounds_for_speed(8, 20 * million, million, 2), 4);   // ... for each thread
  EXPECT_EQ(rounds_for_speed(8, 20 * million, million, 3), 1);   // 3 + 3 + 2, not 4 + 4
  EXPECT_EQ(rounds_for_speed(1, 20 * million, million, 16), 1);
  EXPECT_EQ(rounds_for_speed(8, million, 5 * million, 1), 1);
  EXPECT_EQ(rounds_for_speed(8, million, 0, 1), 3);  // half of a cache has 2^18 numbers
  EXPECT_EQ(rounds_for_speed(8, 0, 0, 1), 1);
  set_caches({.first = 32 << 10, .second = 512 << 10, .third = 32 << 20});
  EXPECT_EQ(rounds_for_speed(8, million, 0, 1), 8);
  set_caches(here);
}

}  // namespace
}  // namespace lockstep
