#include "lockstep/train/copy_guard.hpp"

#include "lockstep/base/checksum.hpp"

namespace lockstep {
namespace {

std::uint64_t checksum(std::span<const Real> parameters, Range slice) {
  return checksum_of(parameters.subspan(static_cast<std::size_t>(slice.begin),
                                        static_cast<std::size_t>(slice.size())));
}

}  // namespace

CopyGuard::CopyGuard(const Topology& topology, const BucketLayout& layout, bool active) {
  if (!active) return;
  for (const int ward : topology.wards()) {
    if (ward == topology.ranks().rank()) continue;
    const std::vector<Range> theirs = layout.slices(ward);
    slices_.insert(slices_.end(), theirs.begin(), theirs.end());
  }
  checksums_.resize(slices_.size());
}

void CopyGuard::seal(std::span<const Real> parameters) {
  for (std::size_t s = 0; s < slices_.size(); ++s) checksums_[s] = checksum(parameters, slices_[s]);
}

void CopyGuard::seal_anew(std::span<const Real> parameters) {
  seal(parameters);
  found_changed_ = false;
}

bool CopyGuard::intact(std::span<const Real> parameters) const {
  if (found_changed_) return false;
  for (std::size_t s = 0; s < slices_.size(); ++s) {
    if (checksum(parameters, slices_[s]) != checksums_[s]) return false;
  }
  return true;
}

}  // namespace lockstep
