#pragma once

#include <span>

#include "lockstep/comm/all_gather_board.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/train/step_result.hpp"

namespace lockstep {

/// What ranks tell each other once in every step: what they wish, whether their state was changed,
/// and the loss of each of their microbatches.
///
///     consensus.vote(votes, changed);
///     for (part : my microbatches) consensus.add_loss(part, sums);
///     // the ranks of each node meet: the end of the exchange of gradients is such a meeting
///     consensus.exchange(result);
///     // they meet again before the next vote
class Consensus {
 public:
  /// Of batches of so many microbatches. Collective.
  Consensus(const Topology& topology, Index microbatches);

  void vote(Votes votes, bool changed);
  /// The sums of some of this rank's microbatches, one after the other.
  void add_loss(MicrobatchRange microbatches, std::span<const MetricSums> sums);
  /// Sets what all ranks said: votes, changed, and sums, which are added microbatch by microbatch
  /// in their order, so that they do not depend on the number of ranks. Collective.
  void exchange(StepResult& result);

 private:
  const Topology& topology_;
  Index microbatches_;
  MicrobatchRange share_;   ///< of this rank
  AllGatherBoard reports_;  ///< of each rank: its votes, then the sums of its microbatches
};

}  // namespace lockstep
