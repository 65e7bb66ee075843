#include "lockstep/optim/schedule.hpp"

#include <cmath>
#include <numbers>
#include <string>

#include "lockstep/base/error.hpp"

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
    return std::pow(factor_, static_cast<double>(step / every_));
  }

 private:
  std::uint64_t every_;
  double factor_;
};

class Cosine final : public Schedule {
 public:
  Cosine(std::uint64_t steps, double final) : steps_(steps), final_(final) {
    if (steps < 1) {
      throw Error(ExitCode::config,
                  "cosine schedule: steps must be at least 1, found 0; train for more steps than "
                  "the warm-up takes");
    }
    if (!(final >= 0 && final <= 1)) {
      throw Error(ExitCode::config, "cosine schedule: final must be in [0, 1], found " +
                                        std::to_string(final) + "; 0 is usual");
    }
  }
  std::string_view type() const override { return "cosine"; }
  double factor(std::uint64_t step) const override {
    if (step >= steps_) return final_;
    const double part = static_cast<double>(step) / static_cast<double>(steps_);
    return final_ + (1 - final_) * (1 + std::cos(std::numbers::pi * part)) / 2;
  }

 private:
  std::uint64_t steps_;
  double final_;
};

}  // namespace

std::unique_ptr<Schedule> constant_schedule() { return std::make_unique<Constant>(); }

std::unique_ptr<Schedule> step_schedule(std::uint64_t every, double factor) {
  return std::make_unique<Step>(every, factor);
}

std::unique_ptr<Schedule> cosine_schedule(std::uint64_t steps, double final) {
  return std::make_unique<Cosine>(steps, final);
}

double learning_rate(const Schedule& schedule, double base, std::uint64_t warmup,
                     std::uint64_t step) {
  if (step < warmup) return base * static_cast<double>(step + 1) / static_cast<double>(warmup);
  return base * schedule.factor(step - warmup);
}

}  // namespace lockstep
