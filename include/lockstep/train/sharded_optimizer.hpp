#pragma once

#include <optional>
#include <span>

#include "lockstep/comm/all_gather_board.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/train/step_monitor.hpp"
#include "lockstep/train/updater.hpp"

namespace lockstep {

/// The optimizer of all ranks: each updates the slices that it owns and holds their state, so that
/// the state exists once in the whole job (ZeRO stage 1).
/// Source: Rajbhandari, Rasley, Ruwase, He 2020, arXiv 1910.02054.
class ShardedOptimizer {
 public:
  /// The optimizer must outlive it. Collective.
  ShardedOptimizer(const Topology& topology, const ParameterTable& table,
                   const Optimizer& optimizer, const BucketLayout& layout,
                   const UpdaterOptions& options);

  /// Updates what this rank owns of `parameters`; gradient[s] is where that of its slice s begins,
  /// a sum over `samples` samples. The ranks of each node meet before the next call. Collective.
  /// Allocates nothing.
  void step(std::span<Real> parameters, std::span<const Real* const> gradient, const Update& update,
            Index samples, StepMonitor& monitor);

  /// This rank's part.
  [[nodiscard]] Updater& mine() { return updater_; }
  [[nodiscard]] const Updater& mine() const { return updater_; }

 private:
  const Topology& topology_;
  Updater updater_;
  std::optional<AllGatherBoard>
      norms_;  ///< what ranks tell each other within an update, if anything
};

}  // namespace lockstep
