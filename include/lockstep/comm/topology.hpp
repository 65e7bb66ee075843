#pragma once

#include <memory>
#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/comm/pulse_table.hpp"

namespace lockstep {

class NodeBarriers;

/// Which ranks share memory. Ranks are numbered node by node here, so that those of one node are
/// neighbours; that is their order in MPI's world too unless a launcher deals them out in turn.
class Topology {
 public:
  /// The nodes are the machines. With `node_sizes`, each machine is split further: into nodes of
  /// that many ranks, the last size being repeated, so that one machine can stand for several.
  /// Collective.
  explicit Topology(const Communicator& world, std::span<const int> node_sizes = {});
  ~Topology();
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;

  /// All ranks, node by node; rank 0 is the world's. Its collective calls put those who wait for
  /// others of their node to sleep.
  [[nodiscard]] const Communicator& ranks() const { return *ranks_; }
  /// The ranks of this node.
  [[nodiscard]] const Communicator& node() const { return *node_; }
  /// The ranks that lead their nodes; undefined on the others.
  [[nodiscard]] const Communicator& leaders() const { return *leaders_; }
  [[nodiscard]] int nodes() const { return static_cast<int>(first_.size()) - 1; }
  [[nodiscard]] int node_of(int rank) const;
  [[nodiscard]] int my_node() const { return node_of(ranks_->rank()); }
  /// The first rank of a node; of node nodes(): the number of ranks.
  [[nodiscard]] int first_rank(int node) const { return first_[static_cast<std::size_t>(node)]; }
  [[nodiscard]] int node_size(int node) const { return first_rank(node + 1) - first_rank(node); }
  /// True for the first rank of each node, which speaks for it.
  [[nodiscard]] bool leads() const { return node_->rank() == 0; }

  /// The rank on `node` that handles there what belongs to `rank`: itself at home, elsewhere the
  /// one in the same place among its node's ranks.
  [[nodiscard]] int proxy_on(int node, int rank) const;
  /// Those whose proxy_on on this node this rank is, in order; itself among them.
  [[nodiscard]] std::vector<int> proxied_ranks() const;

  /// Of all ranks of this machine. Calls of the communicators above count as signs of life.
  [[nodiscard]] const PulseTable& pulse_table() const { return *pulse_table_; }
  [[nodiscard]] Heartbeat heartbeat() const { return pulse_table_->mine(); }

  /// The sleeping barrier of this node.
  [[nodiscard]] NodeBarriers& barrier() const { return *barrier_; }

 private:
  std::unique_ptr<Communicator> node_;
  std::unique_ptr<Communicator> ranks_;
  std::unique_ptr<Communicator> leaders_;
  std::vector<int> first_;
  std::unique_ptr<PulseTable> pulse_table_;
  std::unique_ptr<NodeBarriers> barrier_;
};

}  // namespace lockstep
