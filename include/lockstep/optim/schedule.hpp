#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace lockstep {

/// The learning rate as a pure function of the step.
class Schedule {
 public:
  virtual ~Schedule() = default;

  [[nodiscard]] virtual std::string_view type() const = 0;
  /// The factor on the base learning rate for step `step`, from 0, after the warm-up.
  [[nodiscard]] virtual double factor(std::uint64_t step) const = 0;
};

/// Always 1.
std::unique_ptr<Schedule> constant_schedule();

/// factor^floor(step / every). Errors: throws if every < 1 or factor is outside (0, 1].
std::unique_ptr<Schedule> step_schedule(std::uint64_t every, double factor);

/// Half a cosine from 1 at step 0 to `final` at step `steps`, constant from there.
/// Errors: throws if steps < 1 or final is outside [0, 1]. Source: Loshchilov, Hutter 2017, arXiv
/// 1608.03983.
std::unique_ptr<Schedule> cosine_schedule(std::uint64_t steps, double final);

/// base * (step + 1) / warmup while step < warmup, then base * schedule.factor(step - warmup).
[[nodiscard]] double learning_rate(const Schedule& schedule, double base, std::uint64_t warmup,
                                   std::uint64_t step);

}  // namespace lockstep
