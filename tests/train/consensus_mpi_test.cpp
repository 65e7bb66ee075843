#include "lockstep/train/consensus.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "lockstep/comm/node_barriers.hpp"

namespace lockstep {
namespace {

constexpr Index kMicrobatches = 8;

/// One step in which rank `rank` votes and votes as given, and microbatch m has a loss of m + 1.
StepResult step_of(const Topology& topology, Consensus& consensus, int rank, Votes votes,
                   bool changed) {
  const bool mine = topology.ranks().rank() == rank;
  consensus.vote(mine ? votes : Votes{}, mine && changed);
  const MicrobatchRange share =
      microbatches_of(topology.ranks().rank(), topology.ranks().size(), kMicrobatches);
  for (Index m = share.first; m < share.end(); ++m) {
    const MetricSums sums{static_cast<double>(m + 1), 0.5};
    consensus.add_loss({m, 1}, std::span(&sums, 1));
  }
  topology.barrier().arrive_and_wait(0);
  StepResult result;
  consensus.exchange(result);
  topology.barrier().arrive_and_wait(0);
  return result;
}

TEST(Consensus, WhatOneRankSaysAllRanksKnow) {
  const Communicator world(MPI_COMM_WORLD);
  const std::vector<std::vector<int>> layouts{{}, {1}, {1, 2}};
  for (const auto& nodes : layouts) {
    const Topology topology(world, nodes);
    Consensus consensus(topology, kMicrobatches);
    const int last = topology.ranks().size() - 1;
    const StepResult first = step_of(topology, consensus, last, {.stop = true}, true);
    EXPECT_TRUE(first.votes.stop);
    EXPECT_FALSE(first.votes.save);
    EXPECT_EQ(first.changed, std::vector<int>{last});
    EXPECT_EQ(first.sums[0], kMicrobatches * (kMicrobatches + 1) / 2);
    EXPECT_EQ(first.sums[1], 0.5 * kMicrobatches);

    const StepResult second = step_of(topology, consensus, 0, {.save = true}, false);
    EXPECT_FALSE(second.votes.stop) << "of the step before";
    EXPECT_TRUE(second.votes.save);
    EXPECT_TRUE(second.changed.empty());
  }
}

}  // namespace
}  // namespace lockstep
