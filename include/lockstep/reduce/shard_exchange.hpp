#pragma once

#include <span>

#include "lockstep/comm/node_barriers.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/reduce/bucket_layout.hpp"

namespace lockstep {

/// Moves the slices that ranks own: after an update to all nodes (all-gather), for a checkpoint to
/// one rank (gather).
class ShardExchange {
 public:
  ShardExchange(const Topology& topology, const BucketLayout& layout);

  /// Every rank has updated what it owns of `flat`, which the ranks of a node share; afterwards it
  /// is complete on every node, and the ranks of each node have met. Collective. Returns the time
  /// asleep.
  Wait all_gather(std::span<Real> flat);
  /// The first part of it: what this rank receives is there, but the ranks of the node have not
  /// met.
  void start_all_gather(std::span<Real> flat);
  /// Brings the part `range` of a buffer to the node of rank 0: `mine` holds this rank's slices one
  /// after the other, and `out`, as many numbers as the range has, lies in memory that the ranks of
  /// a node share; those of that node write there what they own, the others send it. Then the ranks
  /// of each node have met. Collective.
  void gather(Range range, std::span<const Real> mine, std::span<Real> out);
  /// The inverse without messages: picks this rank's slices from a whole buffer.
  void take_shard(std::span<const Real> flat, std::span<Real> mine) const;
  /// Puts this rank's slices where they lie in a whole buffer, which `all_gather` can then
  /// complete.
  void put_shard(std::span<const Real> mine, std::span<Real> flat) const;

 private:
  [[nodiscard]] bool at_root() const { return topology_.my_node() == 0; }
  void bring(Range range, std::span<const Real> mine, std::span<Real> out);
  /// What `owner` owns within `range`, to where it lies in it.
  void receive_slices(int owner, Range range, std::span<Real> out);

  const Topology& topology_;
  BucketLayout layout_;
  std::vector<int> proxied_ranks_;
  RequestSet requests_;
};

}  // namespace lockstep
