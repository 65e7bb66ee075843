// What a run tells of its steps and epochs.
#include <algorithm>

#include "lockstep/base/clock.hpp"
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

void TrainingRun::report_step(const StepResult& result, const StepTimes& times) {
  StepEvent event;
  event.step = trainer_->steps_done();
  event.epoch = epochs_done();
  event.loss = result.loss();
  const std::optional<double> right = setup_.loss->right(result.sums);
  event.error = right && result.counted > 0 ? (result.counted - *right) / result.counted : 0;
  event.learning_rate = recent_.learning_rate;
  event.gradient_norm = result.gradient_norm;
  event.samples = result.batch.size;
  event.seconds = times.total();
  event.times = times;
  event.logged = plan_->log.after_step(event.step);
  records_.observers().on_step(event);
}

// Of the running epoch. Rank 0 only.
void TrainingRun::report_epoch(const std::vector<Metric>& train) {
  const double seconds = totals_.epoch_seconds(now_seconds());
  EpochEvent event;
  event.step = trainer_->steps_done();
  event.epoch = plan_->epoch_of(event.step);
  event.epochs = plan_->epoch_of(plan_->total_steps);
  event.steps = static_cast<Index>(event.step - (event.epoch - 1) * plan_->steps_per_epoch());
  event.train = train;
  event.val = recent_.validation;
  event.best = recent_.is_best;
  event.learning_rate = recent_.learning_rate;
  event.samples_per_second = static_cast<double>(totals_.epoch_samples()) / seconds;
  event.seconds = seconds;
  records_.observers().on_epoch(event);
}

// Collective: every rank tells where its time of this epoch went.
void TrainingRun::report_times() {
  const std::span<double> waited = trainer_->waited_for();
  const auto longest = std::ranges::max_element(waited);
  const StepTimes& times = totals_.epoch_times();
  std::vector<double> mine(times.seconds.begin(), times.seconds.end());
  mine.push_back(*longest > 0 ? topology_.first_rank(topology_.my_node()) +
                                    static_cast<double>(longest - waited.begin())
                              : -1);
  const auto ranks = static_cast<std::size_t>(world_.size());
  std::vector<double> all(ranks * mine.size());
  world_.all_gather(mine, all);

  TimesEvent event{.step = trainer_->steps_done(), .steps = totals_.epoch_steps(), .ranks = {}};
  for (std::size_t r = 0; r < ranks && root(); ++r) {
    RankTimes rank{.rank = static_cast<int>(r), .node = node_names_[r], .times = {}};
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(r * mine.size());
    std::copy_n(from, kPartRows.size(), rank.times.seconds.begin());
    rank.waited_for = static_cast<int>(from[kPartRows.size()]);
    event.ranks.push_back(rank);
  }
  if (root()) {
    records_.observers().on_times(event);
    const std::string warning = straggler(event, config().watchdog.straggler);
    if (!warning.empty()) records_.observers().on_warning(warning);
  }
  std::ranges::fill(waited, 0.0);
}

}  // namespace lockstep
