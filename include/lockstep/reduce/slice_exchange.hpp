#pragma once

#include <span>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/reduce/bucket_layout.hpp"

namespace lockstep {

/// Moves the slices that ranks own: after an update to all ranks, for a checkpoint to one.
class SliceExchange {
 public:
  SliceExchange(const Communicator& communicator, const BucketLayout& layout);

  /// Gives all ranks what each owns of `flat`; every rank's `flat` is complete afterwards.
  /// Collective.
  void all_gather(std::span<Real> flat);
  /// Brings to rank 0 what each rank owns: `mine` holds this rank's slices one after the other;
  /// `flat` is the whole buffer, used on rank 0 only. Collective.
  void gather(std::span<const Real> mine, std::span<Real> flat);
  /// The inverse without messages: picks this rank's slices from a whole buffer.
  void pick(std::span<const Real> flat, std::span<Real> mine) const;

 private:
  void receive_slices(int from, std::span<Real> flat);

  const Communicator& communicator_;
  BucketLayout layout_;
  RequestSet requests_;
};

}  // namespace lockstep
