#include "run/training_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "lockstep/base/portable_math.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/run/signals.hpp"
#include "setup/cadence.hpp"

namespace lockstep {
ExitCode TrainingRun::run() {
  begin_records();
  if (request_.dry_run) return ExitCode::ok;
  ExitCode code = ExitCode::ok;
  try {
    code = loop();
  } catch (const AgreedError& error) {
    report_save();
    end("failed", error.code(), error.what());
    throw;
  } catch (const Error& error) {
    // Divergence every rank saw alike in the same numbers; anything else is one rank's alone, and
    // aborts the job.
    if (error.code() != ExitCode::diverged) throw;
    report_save();
    end("failed", error.code(), error.what());
    throw AgreedError(error.code(), error.what());
  }
  const bool done = code == ExitCode::ok;
  end(done ? "done" : "preempted", code, done ? early_end() : stop_reason());
  return code;
}

ExitCode TrainingRun::loop() {
  const Cadence log(config().log.every, steps_per_epoch_);
  const Cadence eval(config().eval.every, steps_per_epoch_);
  const Cadence check(config().audit.every, steps_per_epoch_);
  const Cadence store(config().checkpoint.every, steps_per_epoch_);
  const auto per_epoch = static_cast<std::uint64_t>(steps_per_epoch_);
  started_ = last_save_ = epoch_started_ = now_seconds();
  trainer_->clock().skip();
  const config::Divergence& divergence = config().divergence;
  const bool norms = config().stop.gradient_norm > 0 || divergence.action != "stop";
  save_the_beginning();

  if (!finished() && world_.any(wishes().stop)) return ExitCode::interrupted;
  while (!finished()) {
    const std::uint64_t step = trainer_->steps_done() + 1;
    topology_.heartbeat().begin_step(step);
    Wishes mine = wishes();
    // A save asks whose the directory is, and ends the run if another process has it.
    mine.save = root() && (saves_again(store) || directory_->seen_taken());
    rate_ = learning_rate_->at(step - 1, progress_.rate_drops) *
            portable::pow(divergence.rate_factor, static_cast<double>(progress_.rollbacks));
    const StepResult result = trainer_->step(rate_, mine, norms || log.after_step(step),
                                             progress_.spike_limit(divergence.spike));
    topology_.heartbeat().enter(Phase::between);
    if (!result.applied && !survives(result)) continue;
    after_step(result);

    val_metrics_.clear();
    bool last = step == total_steps_ || slope_has_vanished();
    if (eval.after_step(step) || last) evaluate();
    topology_.heartbeat().enter(Phase::between);
    last = last || improves_no_more();
    if (step % per_epoch == 0 || last) finish_epoch();
    const bool enough = request_.max_steps && segment_steps_ >= *request_.max_steps;
    const bool stop = (result.wishes.stop || enough) && !last;
    const bool saves = last || stop || result.wishes.save || store.after_step(step) || val_is_best_;
    const bool audits = check.after_step(step);
    if ((saves || audits) && !passes_audit(audits)) continue;
    if (saves && !is_worth_saving()) continue;
    if (saves) {
      const bool saved = save(last || stop);
      if (!saved && (last || stop)) {
        throw AgreedError(ExitCode::io,
                          "the last checkpoint could not be written; the newest "
                          "complete one is " +
                              (saved_file_.empty() ? "of an earlier start" : saved_file_));
      }
    }
    val_is_best_ = false;
    if (stop) return ExitCode::interrupted;
  }
  return ExitCode::ok;
}

bool TrainingRun::finished() const {
  return trainer_->steps_done() >= total_steps_ || improves_no_more() || slope_has_vanished();
}

Wishes TrainingRun::wishes() const {
  const bool out_of_time =
      root() && request_.max_seconds && now_seconds() - request_.started >= *request_.max_seconds;
  return {.stop = stop_signal() != 0 || out_of_time, .save = false};
}

std::string TrainingRun::stop_reason() const {
  switch (stop_signal()) {
    case SIGUSR1:
      return "SIGUSR1";
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    default:
      break;
  }
  if (request_.max_seconds && now_seconds() - request_.started >= *request_.max_seconds)
    return "--max-time";
  const bool enough = request_.max_steps && segment_steps_ >= *request_.max_steps;
  return enough ? "--max-steps" : "a signal to another rank";
}

void TrainingRun::after_step(const StepResult& result) {
  const std::uint64_t step = trainer_->steps_done();
  const StepTimes times = trainer_->clock().take();
  epoch_times_ += times;
  ++epoch_steps_;
  step_seconds_ += times.total();
  ++segment_steps_;
  segment_samples_ += result.batch.size;
  epoch_segment_samples_ += result.batch.size;
  const auto before = progress_.milestone_steps;
  if (result.applied) {
    progress_.add_batch(step, result.sums, result.counted, steps_per_epoch_ * info_.batch,
                        classifies());
    progress_.epoch_samples += result.batch.size;
    progress_.epoch_ignored += result.ignored;
    progress_.skipped = 0;
    if (config().divergence.spike > 0) progress_.add_loss(result.loss());
    recent_losses_.add(step, result.loss());
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] != progress_.milestone_steps[i]) milestone_seconds_[i] = now_seconds() - started_;
  }
  if (const double least = config().stop.gradient_norm; least > 0) {
    const bool flat = result.applied && *result.gradient_norm < least;
    progress_.flat_steps = flat ? progress_.flat_steps + 1 : 0;
  }
  if (!root()) return;
  if (save_is_done()) report_save();
  report_step(result, times);
}

void TrainingRun::report_step(const StepResult& result, const StepTimes& times) {
  StepEvent event;
  event.step = trainer_->steps_done();
  event.epoch = epochs_done();
  event.loss = result.loss();
  event.error =
      classifies() && result.counted > 0 ? (result.counted - result.sums[1]) / result.counted : 0;
  event.learning_rate = rate_;
  event.gradient_norm = result.gradient_norm;
  event.samples = result.batch.size;
  event.seconds = times.total();
  event.times = times;
  event.logged = Cadence(config().log.every, steps_per_epoch_).after_step(event.step);
  audience_.on_step(event);
}

void TrainingRun::finish_epoch() {
  const std::uint64_t step = trainer_->steps_done();
  const auto per_epoch = static_cast<std::uint64_t>(steps_per_epoch_);
  const double seconds = now_seconds() - epoch_started_;
  const std::vector<Metric> train = epoch_metrics();
  if (val_metrics_.empty()) progress_.add_history(step, epochs_done(), train, {});
  if (root()) {
    EpochEvent event;
    event.epoch = (step + per_epoch - 1) / per_epoch;
    event.epochs = (total_steps_ + per_epoch - 1) / per_epoch;
    event.step = step;
    event.steps = static_cast<Index>(step - (event.epoch - 1) * per_epoch);
    event.train = train;
    event.val = val_metrics_;
    event.best = val_is_best_;
    event.learning_rate = rate_;
    event.samples_per_second = static_cast<double>(epoch_segment_samples_) / seconds;
    event.seconds = seconds;
    audience_.on_epoch(event);
  }
  report_times();
  if (step % per_epoch == 0) progress_.end_epoch();
  epoch_segment_samples_ = 0;
  epoch_started_ = now_seconds();
}

// Collective: every rank tells where its time of this epoch went.
void TrainingRun::report_times() {
  constexpr std::size_t kParts = kPartNames.size();
  const std::span<double> waited = trainer_->waited_for();
  const auto longest = std::ranges::max_element(waited);
  std::vector<double> mine(epoch_times_.seconds.begin(), epoch_times_.seconds.end());
  mine.push_back(*longest > 0 ? topology_.first_rank(topology_.my_node()) +
                                    static_cast<double>(longest - waited.begin())
                              : -1);
  const auto ranks = static_cast<std::size_t>(world_.size());
  std::vector<double> all(ranks * mine.size());
  world_.all_gather(mine, all);

  TimesEvent event{.step = trainer_->steps_done(), .steps = epoch_steps_, .ranks = {}};
  for (std::size_t r = 0; r < ranks && root(); ++r) {
    RankTimes rank{.rank = static_cast<int>(r), .node = node_names_[r], .times = {}};
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(r * mine.size());
    std::copy_n(from, kParts, rank.times.seconds.begin());
    rank.waited_for = static_cast<int>(from[kParts]);
    event.ranks.push_back(rank);
  }
  if (root()) {
    audience_.on_times(event);
    const std::string warning = straggler(event, config().watchdog.straggler);
    if (!warning.empty()) audience_.on_warning(warning);
  }
  epoch_times_ = {};
  epoch_steps_ = 0;
  std::ranges::fill(waited, 0.0);
}

// False once another process has taken the directory: then nothing more is written there.
bool TrainingRun::owns_records() const {
  try {
    directory_->require_ownership();
    return true;
  } catch (const Error&) {
    return false;
  }
}

void TrainingRun::end(const std::string& status, ExitCode code, const std::string& reason) {
  topology_.heartbeat().enter(Phase::end);
  if (!root() || !owns_records()) return;
  RunEnd end;
  end.status = status;
  end.code = code;
  end.reason = reason;
  end.step = trainer_->steps_done();
  end.epochs = end.step / static_cast<std::uint64_t>(steps_per_epoch_);
  end.seconds = now_seconds() - started_;
  end.samples_per_second =
      step_seconds_ > 0 ? static_cast<double>(segment_samples_) / step_seconds_ : 0;
  end.digest = saved_step_ == end.step ? saved_digest_ : "";
  end.checkpoint = saved_file_;
  end.best = progress_.best;
  if (classifies() && progress_.knows_error()) {
    for (std::size_t i = 0; i < Progress::kMilestones.size(); ++i) {
      end.milestones.push_back({.error = Progress::kMilestones[i],
                                .step = progress_.milestone_steps[i],
                                .seconds = milestone_seconds_[i]});
    }
  }
  try {
    manifest_->end(end);
    directory_->status(status, code, reason);
  } catch (const Error& error) {  // the end itself counts more than its record
    audience_.on_warning(error.what());
  }
  audience_.on_end(end);
}

}  // namespace lockstep
