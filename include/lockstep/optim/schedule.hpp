#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// When a figure of the validation samples no longer improves, the learning rate falls.
struct Plateau {
  std::string metric = "val/loss";
  double factor = 0.1;
  Index patience = 10;   ///< evaluations without improvement
  double min_delta = 0;  ///< what counts as an improvement must be more than this
  double final = 0;      ///< lowest factor

  /// max(factor^drops, final)
  [[nodiscard]] double after(Index drops) const;
};

/// The learning rate as a pure function of the step and, for `plateau` alone, of how often the
/// validation made it fall.
class Schedule {
 public:
  virtual ~Schedule() = default;

  [[nodiscard]] virtual std::string_view type() const = 0;
  /// The factor on the base learning rate for step `step`, from 0, after the warm-up.
  [[nodiscard]] virtual double factor(std::uint64_t step) const = 0;
  /// Null for a schedule that knows nothing of validations.
  [[nodiscard]] virtual const Plateau* plateau() const { return nullptr; }
};

/// Always 1.
std::unique_ptr<Schedule> constant_schedule();

/// factor^floor(step / every).
/// Errors: throws if every < 1 or factor is outside (0, 1].
std::unique_ptr<Schedule> step_schedule(std::uint64_t every, double factor);

/// Half a cosine from 1 at step 0 to `final` at step `steps`, constant from there.
/// Errors: throws if steps < 1 or final is outside [0, 1].
/// Source: Loshchilov, Hutter 2017, arXiv 1608.03983.
std::unique_ptr<Schedule> cosine_schedule(std::uint64_t steps, double final);

/// final + (1 - final) * (1 - step / steps)^power, constant from `steps` on.
/// Errors: throws if steps < 1, power <= 0 or final is outside [0, 1].
std::unique_ptr<Schedule> poly_schedule(std::uint64_t steps, double power, double final);

/// 1, then in the last `decay` of `steps` steps a straight line down to `final`: with a warm-up
/// before it "warm-up, stable, decay".
/// Errors: throws if steps < 1, decay is outside [1, steps] or final is outside [0, 1].
/// Source: Hu et al. 2024, arXiv 2404.06395.
std::unique_ptr<Schedule> wsd_schedule(std::uint64_t steps, std::uint64_t decay, double final);

struct OneCycleOptions {
  double rise = 0.3;  ///< share of the steps in which the rate rises
  double start = 0.04;
  double final = 4e-6;
};

/// Half a cosine from `start` up to 1, then another down to `final` at step `steps`, constant from
/// there.
/// Errors: throws if steps < 1, rise is outside (0, 1), start or final outside [0, 1].
/// Source: Smith, Topin 2019, arXiv 1708.07120.
std::unique_ptr<Schedule> one_cycle_schedule(std::uint64_t steps,
                                             const OneCycleOptions& options = {});

/// Always 1 but for the drops, each after `patience` evaluations without improvement.
/// Errors: throws if factor is outside (0, 1), patience < 1, min_delta < 0 or final is outside
/// [0, 1].
std::unique_ptr<Schedule> plateau_schedule(const Plateau& plateau = {});

/// base * (step + 1) / warmup while step < warmup, then base * schedule.factor(step - warmup); for
/// a plateau times the factor after so many drops.
[[nodiscard]] double learning_rate(const Schedule& schedule, double base, std::uint64_t warmup,
                                   std::uint64_t step, Index drops = 0);

}  // namespace lockstep
