#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "lockstep/base/clock.hpp"

namespace lockstep {

/// What a rank can be doing. Every moment of a run, evaluations apart, belongs to one part.
enum class Part : std::size_t {
  data,        ///< reading and normalizing samples
  forward,     ///< predictions and the loss
  backward,    ///< backpropagation, less the exchange that goes on meanwhile
  hidden,      ///< exchanging gradients while backpropagation goes on
  exposed,     ///< exchanging gradients and parameters when there is nothing else to do
  update,      ///< the optimizer and the norm of the gradient, on the slices of this rank
  wait,        ///< asleep until another rank of the node is ready
  checkpoint,  ///< saving
  other,       ///< between steps: schedule, log, terminal
};

inline constexpr std::array<std::string_view, 9> kPartNames = {
    "data", "forward", "backward", "hidden", "exposed", "update", "wait", "checkpoint", "other"};

/// Seconds by part.
struct StepTimes {
  std::array<double, kPartNames.size()> seconds{};

  [[nodiscard]] double& operator[](Part part) { return seconds[static_cast<std::size_t>(part)]; }
  [[nodiscard]] double operator[](Part part) const {
    return seconds[static_cast<std::size_t>(part)];
  }
  [[nodiscard]] double total() const {
    double sum = 0;
    for (const double s : seconds) sum += s;
    return sum;
  }
  /// What a rank does on its own: data, forward, backward and update.
  [[nodiscard]] double work() const {
    return (*this)[Part::data] + (*this)[Part::forward] + (*this)[Part::backward] +
           (*this)[Part::update];
  }
  StepTimes& operator+=(const StepTimes& other) {
    for (std::size_t i = 0; i < seconds.size(); ++i) seconds[i] += other.seconds[i];
    return *this;
  }
};

/// Deals the time that passes to parts, so that nothing is counted twice or left out.
class StepClock {
 public:
  /// What passed since the last call belongs to `part`, but for `apart` seconds of `apart_part`.
  void lap(Part part, double apart = 0, Part apart_part = Part::wait) {
    const double now = now_seconds();
    times_[part] += now - last_ - apart;
    times_[apart_part] += apart;
    last_ = now;
  }
  /// What passed since the last call is not counted.
  void skip() { last_ = now_seconds(); }
  /// The times since the last call of `take`.
  [[nodiscard]] StepTimes take() {
    const StepTimes times = times_;
    times_ = {};
    return times;
  }

 private:
  double last_ = now_seconds();
  StepTimes times_;
};

}  // namespace lockstep
