#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/comm/topology.hpp"
#include "lockstep/reduce/bucket_layout.hpp"

namespace lockstep {

/// Notices what is changed in a node's copy of what ranks of other nodes own. Each rank guards the
/// slices that it receives for its node: nobody else writes them, and it only in an exchange.
class ReplicaChecksums {
 public:
  /// One that is not `active` finds everything intact.
  ReplicaChecksums(const Topology& topology, const BucketLayout& layout, bool active);

  /// Takes the copy for right: after an exchange of the whole buffer `parameters`.
  void record_checksums(std::span<const Real> parameters);
  /// Looks before the next exchange; what was found once counts until `reset_checksums`.
  void check(std::span<const Real> parameters) { corrupted_ |= !matches_checksums(parameters); }
  /// After all of the parameters were set.
  void reset_checksums(std::span<const Real> parameters);

  [[nodiscard]] bool corrupted() const { return corrupted_; }
  /// Whether the copy is as it was sealed. Reads all of it.
  [[nodiscard]] bool matches_checksums(std::span<const Real> parameters) const;

 private:
  std::vector<Range> slices_;
  std::vector<std::uint64_t> checksums_;  ///< of each slice
  bool corrupted_ = false;
};

}  // namespace lockstep
