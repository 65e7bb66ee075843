#include "lockstep/train/replicas.hpp"

#include <algorithm>

#include "lockstep/comm/node_barriers.hpp"

namespace lockstep {
namespace {

// Numbers that are on their way to rank 0 at a time: few, for they take memory, but enough that the
// ranks do not meet too often.
Index part_of(const BucketLayout& layout) {
  constexpr Index kSize = Index{1} << 20;
  constexpr Index kMostParts = 32;
  return std::max<Index>({std::min(layout.size(), kSize), layout.size() / kMostParts, 1});
}

// Bytes that this rank brings in where so many numbers lie once per node.
Index once_per_node(const Topology& topology, Index numbers) {
  return topology.leads() ? numbers * static_cast<Index>(sizeof(Real)) : 0;
}

}  // namespace

Replicas::Replicas(const Topology& topology, const BucketLayout& layout, bool average, bool guarded)
    : topology_(topology),
      slices_(topology, layout),
      copies_(topology, layout, guarded),
      memory_(topology.ranks(), topology.node(), once_per_node(topology, layout.size())),
      parameters_(memory_.segment_of<Real>(0).first(static_cast<std::size_t>(layout.size()))),
      part_(topology.ranks(), topology.node(), once_per_node(topology, part_of(layout))) {
  if (average) {
    average_.emplace(topology.ranks(), topology.node(), once_per_node(topology, layout.size()));
  }
}

Index Replicas::bytes() const {
  return (average_ ? 2 : 1) * static_cast<Index>(parameters_.size_bytes());
}

void Replicas::all_gather() {
  slices_.start_all_gather(parameters_);
  copies_.record_checksums(parameters_);
}

std::span<const Real> Replicas::average(std::span<const Real> mine) {
  const std::span<Real> whole = average_->segment_of<Real>(0).first(parameters_.size());
  slices_.put_shard(mine, whole);
  static_cast<void>(slices_.all_gather(whole));
  return whole;
}

void Replicas::gather(std::span<const Real> mine, const Take& take) {
  const std::span<Real> room = part_.segment_of<Real>(0);
  const Index size = std::ssize(parameters_);
  for (Index begin = 0; begin < size; begin += std::ssize(room)) {
    const Range range{begin, std::min(begin + std::ssize(room), size)};
    const std::span<Real> values = room.first(static_cast<std::size_t>(range.size()));
    slices_.gather(range, mine, values);
    if (topology_.ranks().rank() == 0) take(range, values);
    topology_.heartbeat().beat();
    topology_.barrier().arrive_and_wait(0);  // the next part takes its place
  }
}

}  // namespace lockstep
