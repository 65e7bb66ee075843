#pragma once

#include <span>
#include <vector>

#include "lockstep/comm/shared_memory.hpp"
#include "lockstep/comm/topology.hpp"

namespace lockstep {

/// A few values of every rank that every rank can read, all-gathered into one copy per node.
class AllGatherBoard {
 public:
  /// Rank r has sizes[r] values. Collective.
  AllGatherBoard(const Topology& topology, std::span<const Index> sizes);

  /// Where this rank writes.
  [[nodiscard]] std::span<double> mine() const { return section(topology_.ranks().rank()); }
  [[nodiscard]] std::span<const double> of(int rank) const { return section(rank); }
  /// The values of all ranks, one after the other.
  [[nodiscard]] std::span<const double> all() const { return all_; }

  /// After it, all values are those that their ranks wrote. Requires that the ranks of each node
  /// have met since they wrote, and that they meet again before they write anew. Collective; on a
  /// single node it does nothing.
  void all_gather();

 private:
  [[nodiscard]] std::span<double> section(int rank) const;
  [[nodiscard]] std::span<double> section_of_node(int node) const;

  const Topology& topology_;
  std::vector<Index> starts_;  ///< of each rank, and the end
  SharedMemory memory_;
  std::span<double> all_;
  RequestSet requests_;
};

}  // namespace lockstep
