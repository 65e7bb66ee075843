#pragma once

#include <span>
#include <vector>

#include "lockstep/comm/heartbeat.hpp"
#include "lockstep/comm/node_barriers.hpp"
#include "lockstep/train/step_times.hpp"

namespace lockstep {

/// Where a rank is in a step, for its watchdog, and where its time goes.
class StepMonitor {
 public:
  /// `ranks_of_node`: how many it may wait for.
  StepMonitor(Heartbeat heartbeat, int ranks_of_node)
      : heartbeat_(heartbeat), waited_for_(static_cast<std::size_t>(ranks_of_node)) {}

  void enter(Phase phase) const { heartbeat_.enter(phase); }
  /// The time since the last call belongs to `part`, but for `apart` seconds of `apart_part`.
  void lap(Part part, double apart = 0, Part apart_part = Part::wait) {
    clock_.lap(part, apart, apart_part);
  }
  /// The same, but for what the rank has slept until another was ready.
  void lap(Part part, const Wait& wait) {
    waited_for_[static_cast<std::size_t>(wait.rank)] += wait.seconds;
    clock_.lap(part, wait.seconds);
  }

  [[nodiscard]] StepClock& clock() { return clock_; }
  /// Seconds that this rank has slept until each rank of its node was ready.
  [[nodiscard]] std::span<double> waited_for() { return waited_for_; }

 private:
  Heartbeat heartbeat_;
  StepClock clock_;
  std::vector<double> waited_for_;
};

}  // namespace lockstep
