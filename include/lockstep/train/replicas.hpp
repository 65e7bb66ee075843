#pragma once

#include <functional>
#include <optional>
#include <span>

#include "lockstep/comm/shared_memory.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/reduce/shard_exchange.hpp"
#include "lockstep/train/replica_checksums.hpp"

namespace lockstep {

/// The parameters, which lie once on every node, and the average of the weights, if there is one;
/// how what each rank owns of such a buffer comes to all nodes (all-gather), or to rank 0.
class Replicas {
 public:
  /// With `guarded` it notices what something else than an exchange changes. Collective.
  Replicas(const Topology& topology, const BucketLayout& layout, bool average, bool guarded);

  /// On this node; a rank writes what it owns.
  [[nodiscard]] std::span<Real> parameters() const { return parameters_; }
  /// Bytes on each node.
  [[nodiscard]] Index bytes() const;

  /// Looks before the next all_gather; what was found once counts until `reset_checksums`.
  void check() { copies_.check(parameters_); }
  /// Every rank has updated what it owns of the parameters. Afterwards what this rank receives for
  /// its node is there, but the ranks of the node have not met. Collective.
  void all_gather();
  /// Takes the parameters for right, after all of them were set.
  void reset_checksums() { copies_.reset_checksums(parameters_); }
  [[nodiscard]] bool corrupted() const { return copies_.corrupted(); }
  /// Whether the copies are as they were sealed. Reads all of them.
  [[nodiscard]] bool matches_checksums() const { return copies_.matches_checksums(parameters_); }

  /// This rank's slices of a whole buffer, one after the other.
  void take_shard(std::span<const Real> whole, std::span<Real> mine) const {
    slices_.take_shard(whole, mine);
  }
  /// The whole average of the weights, if there is one, of which `mine` are this rank's slices.
  /// Valid until the next call. Collective.
  [[nodiscard]] std::span<const Real> average(std::span<const Real> mine);

  /// Takes the numbers `range` of a buffer.
  using Take = std::function<void(Range range, std::span<const Real> values)>;
  /// Brings a buffer, of which `mine` are this rank's slices, to rank 0, where `take` receives it
  /// part by part in the order of the buffer. `take` must not communicate, and not throw.
  /// Collective.
  void gather(std::span<const Real> mine, const Take& take);

 private:
  const Topology& topology_;
  ShardExchange slices_;
  ReplicaChecksums copies_;
  SharedMemory memory_;
  std::span<Real> parameters_;
  std::optional<SharedMemory> average_;
  SharedMemory part_;  ///< of a buffer on its way to rank 0
};

}  // namespace lockstep
