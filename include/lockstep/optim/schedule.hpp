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

/// final + (1 - final) * (1 - step / steps)^power, constant from `steps` on.
/// Errors: throws if steps < 1, power <= 0 or final is outside [0, 1].
std::unique_ptr<Schedule> poly_schedule(std::uint64_t steps, double power, double final);

/// 1, then in the last `decay` of `steps` steps a straight line down to `final`: with a warm-up
/// before it "warm-up, stable, decay". Errors: throws if steps < 1, decay is outside [1, steps] or
/// final is outside [0, 1]. Source: Hu et al. 2024, arXiv 2404.06395.
std::unique_ptr<Schedule> stable_schedule(std::uint64_t steps, std::uint64_t decay, double final);

struct OneCycleOptions {
  double rise = 0.3;  ///< share of the steps in which the rate rises
  double start = 0.04;
  double final = 4e-6;
};

/// Half a cosine from `start` up to 1, then another down to `final` at step `steps`, constant from
/// there. Errors: throws if steps < 1, rise is outside (0, 1), start or final outside [0, 1].
/// Source: Smith, Topin 2019, arXiv 1708.07120.
std::unique_ptr<Schedule> one_cycle_schedule(std::uint64_t steps,
                                             const OneCycleOptions& options = {});

/// base * (step + 1) / warmup while step < warmup, then base * schedule.factor(step - warmup).
[[nodiscard]] double learning_rate(const Schedule& schedule, double base, std::uint64_t warmup,
                                   std::uint64_t step);

}  // namespace lockstep
