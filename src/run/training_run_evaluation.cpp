// What a run measures on its validation samples, and what that decides.
#include <fmt/format.h>

#include "run/training_run.hpp"

namespace lockstep {

std::vector<Metric> TrainingRun::metrics_of(const MetricSums& sums, double counted) const {
  return setup_.loss->metrics(sums, counted, setup_.network->output_shape());
}

// Of the running epoch; no numbers if none of its batches has counted.
std::vector<Metric> TrainingRun::epoch_metrics() const {
  return metrics_of(progress_.epoch_sums,
                    setup_.data->train.counted(progress_.epoch_samples, progress_.epoch_ignored));
}

void TrainingRun::evaluate() {
  const Samples& val = setup_.data->val;
  if (val.size() == 0) return;
  trainer_->clock().lap(Part::other);
  const double begin = now_seconds();
  const MetricSums sums = evaluator_->evaluate(trainer_->judged_parameters(), *setup_.loss, val);
  trainer_->clock().skip();
  val_metrics_ = metrics_of(sums, val.counted(val.size(), val.ignored()));
  const std::uint64_t step = trainer_->steps_done();
  for (const Metric& m : val_metrics_) observe("val/" + m.name, m.value);
  progress_.add_history(step, epochs_done(), epoch_metrics(), val_metrics_);
  if (!root()) return;
  audience_.on_eval({.step = step,
                     .epoch = epochs_done(),
                     .split = "val",
                     .samples = val.size(),
                     .metrics = val_metrics_,
                     .seconds = now_seconds() - begin});
}

// What a figure of the validation decides: the same on every rank.
void TrainingRun::observe(const std::string& metric, double value) {
  const std::uint64_t step = trainer_->steps_done();
  if (metric == config().checkpoint.best) val_is_best_ = progress_.offer_best(metric, value, step);
  const config::Stop& stop = config().stop;
  if (stop.patience > 0 && metric == stop.metric) {
    progress_.stop.observe(metric, value, step, stop.min_delta);
  }
  const Plateau* plateau = learning_rate_->plateau();
  if (plateau == nullptr || metric != plateau->metric) return;
  progress_.plateau.observe(metric, value, step, plateau->min_delta);
  if (progress_.plateau.evaluations < plateau->patience) return;
  progress_.plateau.evaluations = 0;
  ++progress_.rate_drops;
}

bool TrainingRun::improves_no_more() const {
  const Index patience = config().stop.patience;
  return patience > 0 && progress_.stop.evaluations >= patience;
}

bool TrainingRun::slope_has_vanished() const {
  const config::Stop& stop = config().stop;
  return stop.gradient_norm > 0 && progress_.flat_steps >= stop.steps;
}

// Why the run ended before its last step; empty if it did not.
std::string TrainingRun::early_end() const {
  const config::Stop& stop = config().stop;
  if (slope_has_vanished()) {
    return fmt::format(
        "the slope has vanished: the norm of the gradient was below {} in {} "
        "step{} in a row",
        stop.gradient_norm, progress_.flat_steps, progress_.flat_steps == 1 ? "" : "s");
  }
  if (!improves_no_more()) return {};
  const Stagnation& s = progress_.stop;
  const std::string best =
      s.best ? fmt::format("{:.4g} at step {}", s.best->value, s.best->step) : "none was finite";
  return fmt::format("{} has not improved in {} evaluation{}; best {}", stop.metric, s.evaluations,
                     s.evaluations == 1 ? "" : "s", best);
}

}  // namespace lockstep
