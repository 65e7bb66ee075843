#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/comm/topology.hpp"
#include "lockstep/reduce/bucket_layout.hpp"

namespace lockstep {

/// Notices what is changed in a node's copy of what ranks of other nodes own. Each rank guards the
/// slices that it receives for its node: nobody else writes them, and it only in an exchange.
class CopyGuard {
 public:
  /// One that is not `active` finds everything intact.
  CopyGuard(const Topology& topology, const BucketLayout& layout, bool active);

  /// Takes the copy for right: after an exchange of the whole buffer `parameters`.
  void seal(std::span<const Real> parameters);
  /// Looks before the next exchange; what was found once counts until `seal_anew`.
  void check(std::span<const Real> parameters) { found_changed_ |= !intact(parameters); }
  /// After all of the parameters were set.
  void seal_anew(std::span<const Real> parameters);

  [[nodiscard]] bool found_changed() const { return found_changed_; }
  /// Whether the copy is as it was sealed. Reads all of it.
  [[nodiscard]] bool intact(std::span<const Real> parameters) const;

 private:
  std::vector<Range> slices_;
  std::vector<std::uint64_t> checksums_;  ///< of each slice
  bool found_changed_ = false;
};

}  // namespace lockstep
