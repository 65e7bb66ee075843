#include "lockstep/reduce/gradient_reducer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/random.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/reduce/slice_exchange.hpp"

namespace lockstep {
namespace {

Communicator world() { return Communicator(MPI_COMM_WORLD); }

// The gradient of one microbatch at one place: values whose sum depends on the order of the
// additions.
Real leaf(int step, Index microbatch, Index i) {
  const RandomKey key{.seed = 11,
                      .a = static_cast<std::uint32_t>(step),
                      .b = static_cast<std::uint32_t>(microbatch)};
  return static_cast<Real>(random_normal(key, static_cast<std::uint64_t>(i)) *
                           std::exp2(static_cast<double>(microbatch % 5 * 7)));
}

// The sum over [first, first + count) of all leaves on the tree, for one place.
Real tree_sum(int step, Share block, Index i) {
  Buffer<Real> memory(OrderedSum::memory_for(block.end(), 1));
  OrderedSum sum(memory.span(), 1);
  for (Index m = block.first; m < block.end(); ++m) {
    sum.next()[0] = leaf(step, m, i);
    sum.push({m, 1});
  }
  return sum.finish()[0];
}

void fill(std::span<const GradientReducer::Block> blocks, int step, Range range) {
  for (const auto& b : blocks) {
    for (Index i = range.begin; i < range.end; ++i) {
      b.values[static_cast<std::size_t>(i)] = tree_sum(step, b.block, i);
    }
  }
}

struct Case {
  Index size, bucket, microbatches;
  bool overlap;
};

class Reducer : public testing::TestWithParam<Case> {};

TEST_P(Reducer, GivesEveryOwnerTheTreeSumOverAllMicrobatches) {
  const Case c = GetParam();
  const Communicator comm = world();
  const BucketLayout layout(c.size, c.bucket, comm.size());
  GradientReducer reducer(comm, layout, c.microbatches, 3, c.overlap);
  for (int step = 0; step < 3; ++step) {
    reducer.report()[0] = comm.rank() + 100 * step;
    // Layers retire from the end of the buffer to its start, at places that fit no bucket.
    for (Index end = c.size; end > 0;) {
      const Index begin = std::max<Index>(0, end - 700);
      fill(reducer.blocks(), step, {begin, end});
      reducer.ready_from(begin);
      end = begin;
    }
    Index owned = 0;
    for (const auto& slice : reducer.finish()) {
      for (Index i = 0; i < slice.range.size(); ++i) {
        const Real expected = tree_sum(step, {0, c.microbatches}, slice.range.begin + i);
        const Real found = slice.values[static_cast<std::size_t>(i)];
        EXPECT_EQ(std::memcmp(&expected, &found, sizeof expected), 0) << slice.range.begin + i;
      }
      owned += slice.range.size();
    }
    EXPECT_EQ(owned, layout.owned(comm.rank()));
    for (int rank = 0; rank < comm.size(); ++rank) {
      EXPECT_EQ(reducer.report_of(rank)[0], rank + 100 * step);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, Reducer,
                         testing::Values(Case{5000, 1024, 8, true}, Case{5000, 2048, 8, false},
                                         Case{9, 1024, 4, true}, Case{3333, 1 << 20, 7, true},
                                         Case{2048, 1024, 13, true}));

TEST(SliceExchange, GathersWhatEachRankOwns) {
  const Communicator comm = world();
  const BucketLayout layout(7000, 2048, comm.size());
  SliceExchange exchange(comm, layout);
  std::vector<Real> flat(7000, -1);
  std::vector<Real> mine;
  for (const Range& r : layout.slices(comm.rank())) {
    for (Index i = r.begin; i < r.end; ++i) {
      flat[static_cast<std::size_t>(i)] = static_cast<Real>(i);
      mine.push_back(static_cast<Real>(i));
    }
  }
  std::vector<Real> whole(comm.rank() == 0 ? 7000 : 0);
  exchange.gather(mine, whole);
  exchange.all_gather(flat);
  std::vector<Real> picked(mine.size());
  exchange.pick(flat, picked);
  EXPECT_EQ(picked, mine);
  for (std::size_t i = 0; i < flat.size(); ++i) EXPECT_EQ(flat[i], static_cast<Real>(i));
  if (comm.rank() == 0) {
    EXPECT_EQ(whole, flat);
  }
}

}  // namespace
}  // namespace lockstep
