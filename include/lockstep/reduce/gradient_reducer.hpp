#pragma once

#include <memory>
#include <span>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/microbatches.hpp"
#include "lockstep/comm/node_barriers.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/reduce/block_sum.hpp"
#include "lockstep/reduce/bucket_layout.hpp"

namespace lockstep {

class InterNodeReduceScatter;

/// Reduce-scatter of the gradients of all microbatches, overlapped with backpropagation: each rank
/// receives the sum over the slices it owns while earlier layers are still being computed.
///
/// In every step: fill the blocks from the end of the buffer to its start; call
/// `ready_from(offset)` whenever everything from `offset` on is final; call `finish()`. Sums follow
/// the tree of OrderedSum over microbatches, so that the result depends neither on the number of
/// ranks nor on what arrives first.
///
/// Inside a node, gradients stay where they were computed, in memory that all of its ranks see:
/// when a bucket is final on all of them, each rank sums its slice straight from there. Between
/// nodes, the sums of the nodes travel (see InterNodeReduceScatter). The ranks of a node meet after
/// `finish` and before the next step fills its blocks.
class GradientReducer {
 public:
  /// One aligned block of this rank's share and the flat buffer for its gradient.
  using Block = GradientBlock;
  /// The finished sum over one slice that this rank owns.
  struct Slice {
    Range range;
    std::span<const Real> values;
  };
  /// Where the time of this rank's last exchange went.
  struct Times {
    double hidden = 0;   ///< exchanging while backpropagation was not done yet
    double exposed = 0;  ///< exchanging after that
    Wait wait;           ///< asleep after that, and for whom: a rank of the node
  };

  /// `overlap` = false leaves everything to `finish`, for measurements. Collective.
  GradientReducer(const Topology& topology, const BucketLayout& layout, Index microbatches,
                  bool overlap = true);
  ~GradientReducer();

  [[nodiscard]] const BucketLayout& layout() const { return layout_; }
  [[nodiscard]] std::span<const Block> blocks() const { return blocks_; }

  /// Everything from `offset` to the end of the buffer is final. Offsets fall within a step.
  void ready_from(Index offset);
  /// Waits for the rest; the slices of this rank in the order of the buffer, valid until the next
  /// step begins. Afterwards backpropagation is over on all ranks of the node.
  std::span<const Slice> finish();
  /// Where the sum of each slice of this rank begins, the same place in every step. Complete after
  /// `finish`.
  [[nodiscard]] std::span<const Real* const> slice_begins() const { return slice_begins_; }

  [[nodiscard]] const Times& times() const { return times_; }

 private:
  void plan_slices();
  void begin();
  void advance();
  void await(int bucket);
  void sum_bucket(int bucket);

  const Topology& topology_;
  BucketLayout layout_;
  std::vector<int> proxied_ranks_;  ///< whose slices this rank sums on this node
  bool overlap_;
  SharedMemory memory_;  ///< the blocks of each rank, one after the other
  NodeBarriers gates_;   ///< one per bucket: it is final on all ranks of the node
  std::vector<Block> blocks_;
  std::vector<BlockSum::Source> sources_;  ///< of all ranks of the node, in order
  BlockSum sum_;
  std::unique_ptr<InterNodeReduceScatter> cross_;  ///< null if there are no other nodes
  std::vector<Slice> slices_;
  std::vector<const Real*> slice_begins_;
  int next_final_;          ///< the highest bucket that is not final here yet
  int next_sum_;            ///< the highest bucket that was not summed yet
  bool under_way_ = false;  ///< between the first call of `ready_from` in a step and `finish`
  Times times_;
  double longest_wait_ = 0;  ///< of this step
};

}  // namespace lockstep
