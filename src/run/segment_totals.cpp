#include "run/segment_totals.hpp"

namespace lockstep {

void SegmentTotals::add_step(Index samples, const StepTimes& times) {
  ++steps_;
  samples_ += samples;
  step_seconds_ += times.total();
  ++epoch_steps_;
  epoch_samples_ += samples;
  epoch_times_ += times;
}

void SegmentTotals::note_milestones(const Milestones& milestone_steps, std::uint64_t step,
                                    double now) {
  for (std::size_t i = 0; i < milestone_steps.size(); ++i) {
    if (milestone_steps[i] == step) milestone_seconds_[i] = seconds(now);
  }
}

void SegmentTotals::end_epoch(double now) {
  epoch_started_ = now;
  epoch_steps_ = 0;
  epoch_samples_ = 0;
  epoch_times_ = {};
}

double SegmentTotals::samples_per_second() const {
  return step_seconds_ > 0 ? static_cast<double>(samples_) / step_seconds_ : 0;
}

}  // namespace lockstep
