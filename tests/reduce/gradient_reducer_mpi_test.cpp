#include "lockstep/reduce/gradient_reducer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/random.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/reduce/shard_exchange.hpp"

namespace lockstep {
namespace {

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
Real tree_sum(int step, MicrobatchRange block, Index i) {
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
  std::vector<int> nodes;        ///< sizes; empty: one node
  std::size_t limit = 1u << 30;  ///< bytes of a message
};

class Reducer : public testing::TestWithParam<Case> {};

TEST_P(Reducer, GivesEveryOwnerTheTreeSumOverAllMicrobatches) {
  const Case c = GetParam();
  Communicator comm(MPI_COMM_WORLD);
  comm.limit_messages(c.limit);
  const Topology topology(comm, c.nodes);
  EXPECT_EQ(topology.ranks().message_limit(), c.limit);
  const BucketLayout layout(c.size, c.bucket, comm.size());
  GradientReducer reducer(topology, layout, c.microbatches, c.overlap);
  for (int step = 0; step < 3; ++step) {
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
    topology.barrier().arrive_and_wait(0);  // as at the end of a step
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, Reducer,
    testing::Values(Case{5000, 1024, 8, true, {}}, Case{5000, 2048, 8, false, {}},
                    Case{9, 1024, 4, true, {}}, Case{3333, 1 << 20, 7, true, {}},
                    Case{2048, 1024, 13, true, {}},
                    // other nodes: halves for powers of two, else pairs
                    Case{5000, 1024, 8, true, {1}}, Case{5000, 2048, 8, false, {2}},
                    Case{3333, 1 << 20, 7, true, {1}}, Case{5000, 1024, 13, true, {2}},
                    Case{5000, 1024, 8, true, {1, 2}}, Case{9, 1024, 4, true, {3, 1}},
                    // messages in pieces
                    Case{5000, 4096, 8, true, {1}, 100}, Case{5000, 4096, 7, true, {1, 2}, 1000}));

class Exchange : public testing::TestWithParam<std::vector<int>> {};

TEST_P(Exchange, GathersWhatEachRankOwns) {
  Communicator comm(MPI_COMM_WORLD);
  comm.limit_messages(1500);
  const Topology topology(comm, GetParam());
  const BucketLayout layout(7000, 2048, comm.size());
  ShardExchange exchange(topology, layout);
  SharedMemory memory(topology.ranks(), topology.node(),
                      topology.leads() ? 7000 * static_cast<Index>(sizeof(Real)) : 0);
  const std::span<Real> flat = memory.segment_of<Real>(0).first(7000);
  std::vector<Real> mine;
  for (const Range& r : layout.slices(comm.rank())) {
    for (Index i = r.begin; i < r.end; ++i) {
      flat[static_cast<std::size_t>(i)] = static_cast<Real>(i);
      mine.push_back(static_cast<Real>(i));
    }
  }
  std::vector<Real> whole;
  SharedMemory gathered(topology.ranks(), topology.node(),
                        topology.leads() ? 3000 * static_cast<Index>(sizeof(Real)) : 0);
  for (Index begin = 0; begin < 7000; begin += 3000) {  // pieces that fit no slice
    const Range range{begin, std::min<Index>(begin + 3000, 7000)};
    const auto out = gathered.segment_of<Real>(0).first(static_cast<std::size_t>(range.size()));
    exchange.gather(range, mine, out);
    if (comm.rank() == 0) whole.insert(whole.end(), out.begin(), out.end());
    topology.barrier().arrive_and_wait(0);
  }
  (void)exchange.all_gather(flat);
  std::vector<Real> picked(mine.size());
  exchange.take_shard(flat, picked);
  EXPECT_EQ(picked, mine);
  for (std::size_t i = 0; i < flat.size(); ++i) EXPECT_EQ(flat[i], static_cast<Real>(i));
  if (comm.rank() == 0) {
    EXPECT_TRUE(std::ranges::equal(whole, flat));
  }
}

INSTANTIATE_TEST_SUITE_P(Nodes, Exchange,
                         testing::Values(std::vector<int>{}, std::vector<int>{1},
                                         std::vector<int>{2}, std::vector<int>{1, 2}));

}  // namespace
}  // namespace lockstep
