#include "lockstep/optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/base/portable_math.hpp"

namespace lockstep {
namespace {

class Constant final : public Schedule {
 public:
  std::string_view type() const override { return "constant"; }
  double factor(std::uint64_t) const override { return 1; }
};

class Step final : public Schedule {
 public:
  Step(std::uint64_t every, double factor) : every_(every), factor_(factor) {
    if (every < 1) {
      throw Error(ExitCode::config,
                  "step schedule: every must be at least 1 step, found 0; set the steps between "
                  "two reductions");
    }
    if (!(factor > 0 && factor <= 1)) {
      throw Error(ExitCode::config, "step schedule: factor must be in (0, 1], found " +
                                        std::to_string(factor) + "; 0.1 is usual");
    }
  }
  std::string_view type() const override { return "step"; }
  double factor(std::uint64_t step) const override {
    return portable::pow(factor_, static_cast<double>(step / every_));
  }

 private:
  std::uint64_t every_;
  double factor_;
};

double part_of(std::uint64_t step, std::uint64_t steps) {
  return static_cast<double>(step) / static_cast<double>(steps);
}

void check_steps(const char* schedule, std::uint64_t steps) {
  if (steps >= 1) return;
  throw Error(ExitCode::config, std::string(schedule) +
                                    " schedule: steps must be at least 1, found 0; train for more "
                                    "steps than the warm-up takes");
}

void check_factor(const char* schedule, const char* option, double factor) {
  if (factor >= 0 && factor <= 1) return;
  throw Error(ExitCode::config, std::string(schedule) + " schedule: " + option +
                                    " must be in [0, 1], found " + std::to_string(factor) +
                                    "; 0 is usual");
}

class Cosine final : public Schedule {
 public:
  Cosine(std::uint64_t steps, double final) : steps_(steps), final_(final) {
    check_steps("cosine", steps);
    check_factor("cosine", "final", final);
  }
  std::string_view type() const override { return "cosine"; }
  double factor(std::uint64_t step) const override {
    if (step >= steps_) return final_;
    const double part = part_of(step, steps_);
    return final_ + (1 - final_) * (1 + portable::cos(std::numbers::pi * part)) / 2;
  }

 private:
  std::uint64_t steps_;
  double final_;
};

class Poly final : public Schedule {
 public:
  Poly(std::uint64_t steps, double power, double final)
      : steps_(steps), power_(power), final_(final) {
    check_steps("poly", steps);
    check_factor("poly", "final", final);
    if (!(power > 0 && std::isfinite(power))) {
      throw Error(ExitCode::config, "poly schedule: power must be above 0 and finite, found " +
                                        std::to_string(power) + "; 1 falls in a straight line");
    }
  }
  std::string_view type() const override { return "poly"; }
  double factor(std::uint64_t step) const override {
    if (step >= steps_) return final_;
    return final_ + (1 - final_) * portable::pow(1 - part_of(step, steps_), power_);
  }

 private:
  std::uint64_t steps_;
  double power_;
  double final_;
};

class Stable final : public Schedule {
 public:
  Stable(std::uint64_t steps, std::uint64_t decay, double final)
      : steps_(steps), decay_(decay), final_(final) {
    check_steps("wsd", steps);
    check_factor("wsd", "final", final);
    if (decay < 1 || decay > steps) {
      throw Error(ExitCode::config, "wsd schedule: decay must be from 1 step to the " +
                                        std::to_string(steps) + " of the schedule, found " +
                                        std::to_string(decay) + "; a fifth of them is usual");
    }
  }
  std::string_view type() const override { return "wsd"; }
  double factor(std::uint64_t step) const override {
    if (step >= steps_) return final_;
    const std::uint64_t stable = steps_ - decay_;
    return step <= stable ? 1 : 1 - (1 - final_) * part_of(step - stable, decay_);
  }

 private:
  std::uint64_t steps_;
  std::uint64_t decay_;
  double final_;
};

class OneCycle final : public Schedule {
 public:
  OneCycle(std::uint64_t steps, const OneCycleOptions& options) : steps_(steps), options_(options) {
    check_steps("one_cycle", steps);
    check_factor("one_cycle", "start", options.start);
    check_factor("one_cycle", "final", options.final);
    if (!(options.rise > 0 && options.rise < 1)) {
      throw Error(ExitCode::config, "one_cycle schedule: rise must be above 0 and below 1, found " +
                                        std::to_string(options.rise) + "; 0.3 is usual");
    }
  }
  std::string_view type() const override { return "one_cycle"; }
  double factor(std::uint64_t step) const override {
    const double part = step < steps_ ? part_of(step, steps_) : 1;
    if (part < options_.rise) return between(options_.start, 1, part / options_.rise);
    return between(1, options_.final, (part - options_.rise) / (1 - options_.rise));
  }

 private:
  // Half a cosine from `from` at part 0 to `to` at part 1.
  static double between(double from, double to, double part) {
    return to + (from - to) * (1 + portable::cos(std::numbers::pi * part)) / 2;
  }

  std::uint64_t steps_;
  OneCycleOptions options_;
};

class WaitForPlateau final : public Schedule {
 public:
  explicit WaitForPlateau(const Plateau& plateau) : plateau_(plateau) {
    if (!(plateau.factor > 0 && plateau.factor < 1)) {
      throw Error(ExitCode::config, "plateau schedule: factor must be above 0 and below 1, found " +
                                        std::to_string(plateau.factor) + "; 0.1 is usual");
    }
    if (plateau.patience < 1) {
      throw Error(ExitCode::config, "plateau schedule: patience must be at least 1, found " +
                                        std::to_string(plateau.patience) + "; 10 is usual");
    }
    if (!(plateau.min_delta >= 0)) {
      throw Error(ExitCode::config, "plateau schedule: min_delta must be at least 0, found " +
                                        std::to_string(plateau.min_delta) + "; 0 is usual");
    }
    check_factor("plateau", "final", plateau.final);
  }
  std::string_view type() const override { return "plateau"; }
  double factor(std::uint64_t) const override { return 1; }
  const Plateau* plateau() const override { return &plateau_; }

 private:
  Plateau plateau_;
};

}  // namespace

double Plateau::after(Index drops) const {
  return std::max(portable::pow(factor, static_cast<double>(drops)), final);
}

std::unique_ptr<Schedule> constant_schedule() { return std::make_unique<Constant>(); }

std::unique_ptr<Schedule> step_schedule(std::uint64_t every, double factor) {
  return std::make_unique<Step>(every, factor);
}

std::unique_ptr<Schedule> cosine_schedule(std::uint64_t steps, double final) {
  return std::make_unique<Cosine>(steps, final);
}

std::unique_ptr<Schedule> poly_schedule(std::uint64_t steps, double power, double final) {
  return std::make_unique<Poly>(steps, power, final);
}

std::unique_ptr<Schedule> wsd_schedule(std::uint64_t steps, std::uint64_t decay, double final) {
  return std::make_unique<Stable>(steps, decay, final);
}

std::unique_ptr<Schedule> one_cycle_schedule(std::uint64_t steps, const OneCycleOptions& options) {
  return std::make_unique<OneCycle>(steps, options);
}

std::unique_ptr<Schedule> plateau_schedule(const Plateau& plateau) {
  return std::make_unique<WaitForPlateau>(plateau);
}

double learning_rate(const Schedule& schedule, double base, std::uint64_t warmup,
                     std::uint64_t step, Index drops) {
  if (schedule.plateau() != nullptr) base *= schedule.plateau()->after(drops);
  if (step < warmup) return base * static_cast<double>(step + 1) / static_cast<double>(warmup);
  return base * schedule.factor(step - warmup);
}

}  // namespace lockstep
