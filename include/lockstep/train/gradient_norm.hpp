#pragma once

#include <span>

#include "lockstep/comm/all_gather_board.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/nn/parameter_table.hpp"
#include "lockstep/train/part_norms.hpp"
#include "lockstep/train/step_monitor.hpp"

namespace lockstep {

/// The norm of the global gradient over all that is learned, of which each rank holds slices.
class GradientNorm {
 public:
  /// Collective.
  GradientNorm(const Topology& topology, const BucketLayout& layout, const ParameterTable& table);

  /// sqrt(sum of g^2), the same bits on every rank and for every number of ranks; gradient[s] is
  /// where the sum of slice s of this rank begins. The ranks of each node meet before the next
  /// call. Collective.
  double of(std::span<const Real* const> gradient, StepMonitor& monitor);

 private:
  const Topology& topology_;
  PartNorms norms_;             ///< of all that is learned
  AllGatherBoard square_sums_;  ///< of each rank: those of the pieces that it owns
};

}  // namespace lockstep
