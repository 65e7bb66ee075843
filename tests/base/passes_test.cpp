#include "lockstep/base/passes.hpp"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(Passes, CoverTheShareInOrderAsEquallyAsPossible) {
  for (Index count = 1; count <= 20; ++count) {
    for (Index passes = 1; passes <= 25; ++passes) {
      const std::vector<Share> parts = cut_for_passes({7, count}, passes);
      EXPECT_EQ(static_cast<Index>(parts.size()), std::min(passes, count));
      Index at = 7;
      for (const Share& part : parts) {
        EXPECT_EQ(part.first, at);
        EXPECT_GE(part.count, count / static_cast<Index>(parts.size()));
        at = part.end();
      }
      EXPECT_EQ(at, 7 + count);
      EXPECT_EQ(most_microbatches(parts), pieces_of(count, std::min(passes, count)));
    }
  }
}

TEST(Passes, HaveRoomForEverySmallerBatch) {
  for (Index passes = 1; passes <= 5; ++passes) {
    const std::vector<Share> parts = cut_for_passes({3, 5}, passes);
    const Index room = most_samples(parts, 50, 11);
    for (Index samples = 0; samples <= 50; ++samples) {
      for (const Share& part : parts) EXPECT_LE(share_samples(part, samples, 11), room);
    }
    EXPECT_LE(room, 50 * most_microbatches(parts) / 11 + 2);
  }
}

}  // namespace
}  // namespace lockstep
