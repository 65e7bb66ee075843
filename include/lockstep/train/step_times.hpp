#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "lockstep/base/clock.hpp"

namespace lockstep {

/// What a rank can be doing: the rows of kPartRows, in their order. Every moment of a run,
/// evaluations apart, belongs to one part.
enum class Part : std::size_t {
  data,
  forward,
  backward,
  hidden,
  exposed,
  update,
  wait,
  checkpoint,
  other,
};

enum class PartKind {
  work,      ///< what a rank does on its own
  exchange,  ///< among ranks: nothing where there is only one
  rest
};

/// A part of the time, wherever it is written or drawn.
struct PartRow {
  std::string_view name;
  PartKind kind;
  std::string_view sentence;
  std::string_view color;  ///< "#0d9488", on a light page
  std::string_view color_on_dark;
};

inline constexpr std::array<PartRow, 9> kPartRows{{
    {"data", PartKind::work, "Reading and normalizing samples.", "#0d9488", "#2dbfae"},
    {"forward", PartKind::work, "Predictions and the loss.", "#7db8f5", "#8cc4ff"},
    {"backward", PartKind::work, "Backpropagation, less the exchange that goes on meanwhile.",
     "#1d5fc4", "#3f7fe0"},
    {"hidden", PartKind::exchange, "Exchanging gradients while backpropagation goes on.", "#f2b84b",
     "#e5b04a"},
    {"exposed", PartKind::exchange,
     "Exchanging gradients and parameters when there is nothing else to do.", "#d9481f", "#f0643c"},
    {"update", PartKind::work,
     "The optimizer and the norm of the gradient, on the slices of this rank.", "#6d4fd8",
     "#9a85f0"},
    {"wait", PartKind::exchange, "Asleep until another rank of the node is ready.", "#e08bb4",
     "#d884ad"},
    {"checkpoint", PartKind::rest, "Saving.", "#7a8b2a", "#a3b545"},
    {"other", PartKind::rest, "Between steps: schedule, log, terminal.", "#a3abb5", "#6b7480"},
}};
static_assert(kPartRows.size() == static_cast<std::size_t>(Part::other) + 1);

/// Seconds by part.
struct StepTimes {
  std::array<double, kPartRows.size()> seconds{};

  [[nodiscard]] double& operator[](Part part) { return seconds[static_cast<std::size_t>(part)]; }
  [[nodiscard]] double operator[](Part part) const {
    return seconds[static_cast<std::size_t>(part)];
  }
  [[nodiscard]] double total() const {
    double sum = 0;
    for (const double s : seconds) sum += s;
    return sum;
  }
  /// What a rank does on its own.
  [[nodiscard]] double work() const {
    double sum = 0;
    for (std::size_t i = 0; i < kPartRows.size(); ++i) {
      if (kPartRows[i].kind == PartKind::work) sum += seconds[i];
    }
    return sum;
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
