#pragma once

#include <utility>

#include "setup/cadence.hpp"

namespace lockstep {

/// When a run saves by time, and which saves it waits for, so that saving stops training for no
/// more than a fraction of its time. Times are those of `now_seconds`.
class SavePace {
 public:
  /// `overhead`: the fraction, checkpoint.overhead.
  explicit SavePace(double overhead) : overhead_(overhead) {}

  /// The distance to the next save by time counts from now on.
  void restart(double now) { began_ = now; }

  /// Whether a save is due by time. The distance grows until the last stop is no more than its
  /// fraction of it.
  [[nodiscard]] bool is_due(const Cadence& cadence, double now) const {
    const double since = now - began_;
    return cadence.after_seconds(since) && stopped_ <= overhead_ * since;
  }

  /// A save begins. True if training should go on while it is written: the last one took more than
  /// the fraction of the time since it began.
  [[nodiscard]] bool begin(double now) {
    const double distance = now - std::exchange(began_, now);
    return took_ > overhead_ * distance;
  }

  /// For so many seconds the save has stopped training.
  void note_stop(double seconds) { stopped_ = seconds; }
  /// So many seconds after it began it was complete, or had failed.
  void note_end(double seconds) { took_ = seconds; }

 private:
  double overhead_;
  double began_ = 0;  // the last save
  double stopped_ = 0;
  double took_ = 0;
};

}  // namespace lockstep
