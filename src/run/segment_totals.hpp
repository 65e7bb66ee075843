#pragma once

#include <array>
#include <cstdint>

#include "lockstep/run/progress.hpp"
#include "lockstep/train/step_times.hpp"

namespace lockstep {

/// What one start of a run has done, and how long it took: its counters and clocks, and those of
/// its part of the running epoch. No checkpoint holds any of it. Times are those of `now_seconds`.
class SegmentTotals {
 public:
  using Milestones = std::array<std::uint64_t, Progress::kMilestones.size()>;

  SegmentTotals() { milestone_seconds_.fill(-1); }

  /// The first step is about to begin.
  void begin(double now) { started_ = epoch_started_ = now; }
  /// A step over so many samples is done; `times` are those of this rank.
  void add_step(Index samples, const StepTimes& times);
  /// Notes how long it took to the milestones that step `step` has reached.
  void note_milestones(const Milestones& milestone_steps, std::uint64_t step, double now);
  /// The running epoch was reported.
  void end_epoch(double now);
  /// The run went back to an earlier step: what it did of the epoch counts for nothing, though its
  /// steps were done.
  void rolled_back(double now) { end_epoch(now); }

  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] double seconds(double now) const { return now - started_; }
  /// Of the steps alone, without evaluations; 0 before the first.
  [[nodiscard]] double samples_per_second() const;
  /// Training time until each milestone was reached; -1 if it was not, in this segment.
  [[nodiscard]] const auto& milestone_seconds() const { return milestone_seconds_; }

  [[nodiscard]] Index epoch_steps() const { return epoch_steps_; }
  [[nodiscard]] Index epoch_samples() const { return epoch_samples_; }
  [[nodiscard]] double epoch_seconds(double now) const { return now - epoch_started_; }
  [[nodiscard]] const StepTimes& epoch_times() const { return epoch_times_; }

 private:
  double started_ = 0;
  std::uint64_t steps_ = 0;
  Index samples_ = 0;
  double step_seconds_ = 0;
  std::array<double, Progress::kMilestones.size()> milestone_seconds_{};
  double epoch_started_ = 0;  // or when the segment was, within it
  Index epoch_steps_ = 0;
  Index epoch_samples_ = 0;
  StepTimes epoch_times_;
};

}  // namespace lockstep
