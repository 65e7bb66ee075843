#include "lockstep/train/replica_checksums.hpp"

#include "lockstep/base/checksum.hpp"

namespace lockstep {
namespace {

std::uint64_t checksum(std::span<const Real> parameters, Range slice) {
  return checksum_of(parameters.subspan(static_cast<std::size_t>(slice.begin),
                                        static_cast<std::size_t>(slice.size())));
}

}  // namespace

ReplicaChecksums::ReplicaChecksums(const Topology& topology, const BucketLayout& layout,
                                   bool active) {
  if (!active) return;
  for (const int proxied_rank : topology.proxied_ranks()) {
    if (proxied_rank == topology.ranks().rank()) continue;
    const std::vector<Range> theirs = layout.slices(proxied_rank);
    slices_.insert(slices_.end(), theirs.begin(), theirs.end());
  }
  checksums_.resize(slices_.size());
}

void ReplicaChecksums::record_checksums(std::span<const Real> parameters) {
  for (std::size_t s = 0; s < slices_.size(); ++s) checksums_[s] = checksum(parameters, slices_[s]);
}

void ReplicaChecksums::reset_checksums(std::span<const Real> parameters) {
  record_checksums(parameters);
  corrupted_ = false;
}

bool ReplicaChecksums::matches_checksums(std::span<const Real> parameters) const {
  if (corrupted_) return false;
  for (std::size_t s = 0; s < slices_.size(); ++s) {
    if (checksum(parameters, slices_[s]) != checksums_[s]) return false;
  }
  return true;
}

}  // namespace lockstep
