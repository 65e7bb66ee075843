#pragma once

#include <memory>
#include <span>
#include <vector>

#include "lockstep/base/microbatches.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/reduce/bucket_layout.hpp"

namespace lockstep {

/// Reduce-scatter over nodes. Of every bucket, a rank handles the slices of the ranks that it is
/// the proxy of, on behalf of its node: it brings its node's sum over each, and receives the sum
/// over all nodes of its own slice. Messages travel while backpropagation goes on, whenever
/// `advance` is called: MPI makes progress only inside its calls. For every slice, the sum of a
/// node over its microbatches comes in one piece for each aligned block of them, as the tree wants
/// it.
class InterNodeReduceScatter {
 public:
  virtual ~InterNodeReduceScatter() = default;

  /// The aligned blocks of this node's microbatches.
  [[nodiscard]] virtual std::span<const MicrobatchRange> blocks() const = 0;
  /// Where the node's sum over block `block` of the slice of `proxied_rank` is to be written.
  [[nodiscard]] virtual std::span<Real> part(int bucket, std::size_t proxied_rank,
                                             std::size_t block) = 0;
  /// All parts of the bucket are written.
  virtual void start(int bucket) = 0;
  virtual void advance() = 0;
  /// Waits for the sums of all buckets, each of which was started.
  virtual void finish() = 0;
  /// The sum over all nodes of this rank's slice.
  [[nodiscard]] virtual std::span<const Real> sum(int bucket) const = 0;

 protected:
  /// Label of a message that leaves; one that arrives is labelled with its bucket.
  static constexpr int kSent = -1;
};

/// Every node sends to every other what belongs there. For any number and size of nodes.
[[nodiscard]] std::unique_ptr<InterNodeReduceScatter> pairwise_exchange(const Topology& topology,
                                                                        const BucketLayout& layout,
                                                                        Index microbatches);

/// In round k, node n and node n xor 2^k exchange halves of what they still hold, nearest first, so
/// that the rounds follow the tree over microbatches. Requires can_halve.
[[nodiscard]] std::unique_ptr<InterNodeReduceScatter> recursive_halving(const Topology& topology,
                                                                        const BucketLayout& layout,
                                                                        Index microbatches);

/// True if the nodes are equal, a power of two, and so are their shares of the microbatches.
[[nodiscard]] bool can_halve(const Topology& topology, Index microbatches);

/// The microbatches of a node.
[[nodiscard]] MicrobatchRange share_of_node(const Topology& topology, int node, Index microbatches);

}  // namespace lockstep
