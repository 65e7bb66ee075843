#include "lockstep/base/microbatches.hpp"

#include <gtest/gtest.h>

#include <bit>

namespace lockstep {
namespace {

TEST(MicrobatchRange, RanksCoverAllMicrobatchesInOrder) {
  for (Index microbatches = 1; microbatches <= 33; ++microbatches) {
    for (Index ranks = 1; ranks <= microbatches; ++ranks) {
      Index next = 0;
      for (Index rank = 0; rank < ranks; ++rank) {
        const MicrobatchRange share = microbatches_of(rank, ranks, microbatches);
        EXPECT_EQ(share.first, next);
        EXPECT_GE(share.count, 1);
        EXPECT_LE(share.count, (microbatches + ranks - 1) / ranks);
        next = share.end();
      }
      EXPECT_EQ(next, microbatches);
    }
  }
}

TEST(MicrobatchRange, AlignedBlocksAreTheLargestThatStartAtTheirMultiple) {
  EXPECT_EQ(aligned_blocks({0, 8}), (std::vector<MicrobatchRange>{{0, 8}}));
  EXPECT_EQ(aligned_blocks({0, 7}), (std::vector<MicrobatchRange>{{0, 4}, {4, 2}, {6, 1}}));
  EXPECT_EQ(aligned_blocks({3, 3}), (std::vector<MicrobatchRange>{{3, 1}, {4, 2}}));
  EXPECT_EQ(aligned_blocks({2, 4}), (std::vector<MicrobatchRange>{{2, 2}, {4, 2}}));
}

TEST(MicrobatchRange, AlignedBlocksCoverTheShareAndAreAligned) {
  for (Index first = 0; first < 40; ++first) {
    for (Index count = 1; count < 40; ++count) {
      Index next = first;
      for (const MicrobatchRange& b : aligned_blocks({first, count})) {
        EXPECT_EQ(b.first, next);
        EXPECT_TRUE(std::has_single_bit(static_cast<unsigned>(b.count)));
        EXPECT_EQ(b.first % b.count, 0);
        next = b.end();
      }
      EXPECT_EQ(next, first + count);
    }
  }
}

TEST(MicrobatchRange, CutsABatchAtTheSamePlacesForEveryRankCount) {
  for (const Index samples : {0, 1, 5, 8, 63, 64, 1000}) {
    std::vector<Microbatch> whole(8);
    cut_batch({0, 8}, samples, 8, whole);
    for (Index ranks = 1; ranks <= 8; ++ranks) {
      for (Index rank = 0; rank < ranks; ++rank) {
        const MicrobatchRange share = microbatches_of(rank, ranks, 8);
        std::vector<Microbatch> mine(static_cast<std::size_t>(share.count));
        cut_batch(share, samples, 8, mine);
        for (Index i = 0; i < share.count; ++i) {
          const Microbatch& m = mine[static_cast<std::size_t>(i)];
          const Microbatch& w = whole[static_cast<std::size_t>(share.first + i)];
          EXPECT_EQ(m.index, w.index);
          EXPECT_EQ(m.rows, w.rows);
          EXPECT_EQ(m.first_row,
                    w.first_row - whole[static_cast<std::size_t>(share.first)].first_row);
        }
      }
    }
    EXPECT_EQ(whole.back().first_row + whole.back().rows, samples);
  }
}

TEST(MicrobatchRange, SmallerBatchesExceedTheSharesOfFullOnesByAtMostOneSample) {
  for (Index full = 8; full < 70; ++full) {
    for (Index samples = 1; samples <= full; ++samples) {
      for (Index rank = 0; rank < 5; ++rank) {
        const MicrobatchRange share = microbatches_of(rank, 5, 8);
        EXPECT_LE(samples_in(share, samples, 8), samples_in(share, full, 8) + 1);
      }
    }
  }
}

TEST(MicrobatchRange, MicrobatchBeginDoesNotOverflow) {
  const Index samples = Index{1} << 55;
  EXPECT_EQ(microbatch_begin(samples, 512, 1024), samples / 2);
}

}  // namespace
}  // namespace lockstep
