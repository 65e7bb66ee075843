#pragma once

#include <span>

#include "lockstep/comm/rendezvous.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/reduce/bucket_layout.hpp"

namespace lockstep {

/// Moves the slices that ranks own: after an update to all nodes, for a checkpoint to one rank.
class SliceExchange {
 public:
  SliceExchange(const Topology& topology, const BucketLayout& layout);

  /// Every rank has updated what it owns of `flat`, which the ranks of a node share; afterwards it
  /// is complete on every node, and the ranks of each node have met. Collective. Returns the time
  /// asleep.
  Wait share(std::span<Real> flat);
  /// The first part of it: what this rank receives is there, but the ranks of the node have not
  /// met.
  void exchange(std::span<Real> flat);
  /// Brings to rank 0 what each rank owns: `mine` holds this rank's slices one after the other;
  /// `flat` is the whole buffer, used on rank 0 only. Collective.
  void gather(std::span<const Real> mine, std::span<Real> flat);
  /// The inverse without messages: picks this rank's slices from a whole buffer.
  void pick(std::span<const Real> flat, std::span<Real> mine) const;
  /// Puts this rank's slices where they lie in a whole buffer, which `share` can then complete.
  void put(std::span<const Real> mine, std::span<Real> flat) const;

 private:
  void receive_slices(int owner, std::span<Real> flat);

  const Topology& topology_;
  BucketLayout layout_;
  std::vector<int> wards_;
  RequestSet requests_;
};

}  // namespace lockstep
