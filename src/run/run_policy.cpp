#include "run/run_policy.hpp"

#include <fmt/format.h>

#include "lockstep/base/portable_math.hpp"

namespace lockstep {
namespace {

/// A machine that fails so often in a row is broken.
constexpr int kMaxFailedAudits = 3;

}  // namespace

double RunPolicy::learning_rate(std::uint64_t step, const Progress& progress) const {
  return schedule_.at(step - 1, progress.rate_drops) *
         portable::pow(config_.divergence.rate_factor, static_cast<double>(progress.rollbacks));
}

bool RunPolicy::needs_gradient_norm() const {
  return config_.stop.gradient_norm > 0 || config_.divergence.action != "stop";
}

void RunPolicy::note_step(const StepResult& result, Progress& progress) const {
  if (result.applied) {
    progress.skipped = 0;
    if (config_.divergence.spike > 0) progress.add_loss(result.loss());
  }
  if (const double least = config_.stop.gradient_norm; least > 0) {
    const bool flat = result.applied && *result.gradient_norm < least;
    progress.flat_steps = flat ? progress.flat_steps + 1 : 0;
  }
}

bool RunPolicy::note_validation(std::span<const Metric> metrics, std::uint64_t step,
                                Progress& progress) const {
  const config::Stop& stop = config_.stop;
  const Plateau* plateau = schedule_.plateau();
  bool is_best = false;
  for (const Metric& m : metrics) {
    const std::string metric = "val/" + m.name;
    if (metric == config_.checkpoint.best) is_best = progress.offer_best(metric, m.value, step);
    if (stop.patience > 0 && metric == stop.metric) {
      progress.stop.observe(metric, m.value, step, stop.min_delta);
    }
    if (plateau == nullptr || metric != plateau->metric) continue;
    progress.plateau.observe(metric, m.value, step, plateau->min_delta);
    if (progress.plateau.evaluations < plateau->patience) continue;
    progress.plateau.evaluations = 0;
    ++progress.rate_drops;
  }
  return is_best;
}

bool RunPolicy::patience_exhausted(const Progress& progress) const {
  const Index patience = config_.stop.patience;
  return patience > 0 && progress.stop.evaluations >= patience;
}

bool RunPolicy::gradient_vanished(const Progress& progress) const {
  const config::Stop& stop = config_.stop;
  return stop.gradient_norm > 0 && progress.flat_steps >= stop.steps;
}

std::string RunPolicy::early_end(const Progress& progress) const {
  const config::Stop& stop = config_.stop;
  if (gradient_vanished(progress)) {
    return fmt::format(
        "the slope has vanished: the norm of the gradient was below {} in {} "
        "step{} in a row",
        stop.gradient_norm, progress.flat_steps, progress.flat_steps == 1 ? "" : "s");
  }
  if (!patience_exhausted(progress)) return {};
  const Stagnation& s = progress.stop;
  const std::string best =
      s.best ? fmt::format("{:.4g} at step {}", s.best->value, s.best->step) : "none was finite";
  return fmt::format("{} has not improved in {} evaluation{}; best {}", stop.metric, s.evaluations,
                     s.evaluations == 1 ? "" : "s", best);
}

Remedy RunPolicy::after_bad_update(const Progress& progress) const {
  const Remedy remedy = after_bad_step(progress);
  return remedy == Remedy::skip ? Remedy::stop : remedy;
}

bool RunPolicy::goes_back_after_fault(int failed_audits) const {
  return config_.audit.action == "rollback" && failed_audits < kMaxFailedAudits;
}

bool RunPolicy::may_go_back() const {
  return config_.divergence.action == "rollback" || config_.audit.action == "rollback";
}

std::uint64_t RunPolicy::rollback_steps(Index steps_per_epoch) const {
  if (config_.divergence.action != "rollback") return 1;
  return steps_of(config_.checkpoint.every, steps_per_epoch);
}

}  // namespace lockstep
