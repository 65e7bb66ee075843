#pragma once

#include "lockstep/config/value.hpp"
#include "lockstep/setup/catalogue.hpp"

namespace lockstep {

/// When something is due that happens again and again: after a number of steps, or of seconds by
/// rank 0's clock.
class Cadence {
 public:
  Cadence(const config::Interval& interval, Index steps_per_epoch)
      : seconds_(interval.unit == config::Interval::Unit::seconds ? interval.value : 0),
        steps_(interval.unit == config::Interval::Unit::seconds || interval.value == 0
                   ? 0
                   : steps_of(interval, steps_per_epoch)) {}

  [[nodiscard]] bool after_step(std::uint64_t step) const {
    return steps_ > 0 && step % steps_ == 0;
  }
  [[nodiscard]] bool after_seconds(double seconds) const {
    return seconds_ > 0 && seconds >= seconds_;
  }

 private:
  double seconds_;       // 0: not by time
  std::uint64_t steps_;  // 0: not by steps
};

}  // namespace lockstep
