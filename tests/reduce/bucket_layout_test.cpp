#include "lockstep/reduce/bucket_layout.hpp"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(BucketLayout, SlicesCoverTheBufferOnceAtGranules) {
  for (const Index size : {0, 1, 1000, 1024, 5000, 100000}) {
    for (const Index bucket : {1, 1024, 3000, 1 << 20}) {
      for (int ranks = 1; ranks <= 9; ++ranks) {
        const BucketLayout layout(size, bucket, ranks);
        Index next = 0;
        for (int b = 0; b < layout.buckets(); ++b) {
          EXPECT_EQ(layout.bucket(b).begin, next);
          for (int rank = 0; rank < ranks; ++rank) {
            const Range slice = layout.slice(b, rank);
            EXPECT_EQ(slice.begin, next);
            EXPECT_TRUE(slice.begin % BucketLayout::kGranule == 0 || slice.begin == size);
            next = slice.end;
          }
        }
        EXPECT_EQ(next, size);
        Index owned = 0;
        for (int rank = 0; rank < ranks; ++rank) owned += layout.owned(rank);
        EXPECT_EQ(owned, size);
      }
    }
  }
}

TEST(BucketLayout, SharesAreEven) {
  const BucketLayout layout(1 << 20, 1 << 18, 8);
  for (int rank = 0; rank < 8; ++rank) EXPECT_EQ(layout.owned(rank), 1 << 17);
}

}  // namespace
}  // namespace lockstep
