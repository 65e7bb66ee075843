#include "run/training_run.hpp"

#include <csignal>

#include "lockstep/base/clock.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/run/signals.hpp"

namespace lockstep {

TrainingRun::TrainingRun(const Communicator& world, const RunRequest& request, Observer& observer)
    : request_(request),
      started_(request.started.value_or(now_seconds())),
      topology_(world, request.ranks_per_node),
      world_(topology_.ranks()),
      records_(observer),
      watchdog_(topology_.pulse_table(),
                [this](const std::string& who) { records_.tell_stalled(who); }) {}

ExitCode TrainingRun::run() {
  start();
  if (request_.dry_run) return ExitCode::ok;
  ExitCode code = ExitCode::ok;
  try {
    code = loop();
  } catch (const AgreedError& error) {
    if (root()) writer_->settle();
    end("failed", error.code(), error.what());
    throw;
  } catch (const Error& error) {
    // Divergence every rank saw alike in the same numbers; anything else is one rank's alone, and
    // aborts the job.
    if (error.code() != ExitCode::diverged) throw;
    if (root()) writer_->settle();
    end("failed", error.code(), error.what());
    throw AgreedError(error.code(), error.what());
  }
  const bool done = code == ExitCode::ok;
  end(done ? "done" : "preempted", code, done ? policy_->early_end(progress_) : stop_reason());
  return code;
}

ExitCode TrainingRun::loop() {
  begin_segment();
  save_initial();
  if (!finished() && world_.any(votes().stop)) return ExitCode::interrupted;
  while (!finished()) {
    const StepResult result = step();
    if (!result.applied && !handle_bad_step(result)) continue;
    note_step(result);

    const std::uint64_t done = trainer_->steps_done();
    if (plan_->eval.after_step(done) || finished()) evaluate();
    const bool last = finished();
    if (plan_->ends_epoch(done) || last) finish_epoch();

    const bool stop = !last && (result.votes.stop || has_enough_steps());
    const bool audits = plan_->audit.after_step(done);
    const bool saves =
        last || stop || result.votes.save || recent_.is_best || plan_->checkpoint.after_step(done);
    if ((saves || audits) && !passes_audit(audits)) continue;
    if (saves && !all_finite()) continue;
    if (saves) save(last || stop);
    if (stop) return ExitCode::interrupted;
  }
  return ExitCode::ok;
}

void TrainingRun::begin_segment() {
  const double now = now_seconds();
  totals_.begin(now);
  if (root()) writer_->restart_pace(now);
  trainer_->clock().skip();
}

bool TrainingRun::finished() const {
  return trainer_->steps_done() >= plan_->total_steps || policy_->ends_early(progress_);
}

bool TrainingRun::out_of_time() const {
  return request_.max_seconds && now_seconds() - started_ >= *request_.max_seconds;
}

bool TrainingRun::has_enough_steps() const {
  return request_.max_steps && totals_.steps() >= *request_.max_steps;
}

Votes TrainingRun::votes() const {
  return {.stop = stop_signal() != 0 || (root() && out_of_time()), .save = false};
}

StepResult TrainingRun::step() {
  const std::uint64_t number = trainer_->steps_done() + 1;
  topology_.heartbeat().begin_step(number);
  Votes mine = votes();
  // A save asks whose the directory is, and ends the run if another process has it.
  mine.save = root() && (writer_->is_due(plan_->checkpoint, now_seconds()) ||
                         records_.directory().seen_taken());
  recent_.learning_rate = policy_->learning_rate(number, progress_);
  const bool wants_norm = policy_->needs_gradient_norm() || plan_->log.after_step(number);
  const StepResult result =
      trainer_->step(recent_.learning_rate, mine, wants_norm, policy_->loss_limit(progress_));
  topology_.heartbeat().enter(Phase::between);
  return result;
}

void TrainingRun::note_step(const StepResult& result) {
  const std::uint64_t step = trainer_->steps_done();
  const StepTimes times = trainer_->clock().take();
  totals_.add_step(result.batch.size, times);
  if (result.applied) {
    progress_.add_batch(step, result.sums, result.counted,
                        plan_->info.steps_per_epoch * plan_->info.batch,
                        setup_.loss->right(result.sums));
    progress_.epoch_samples += result.batch.size;
    progress_.epoch_ignored += result.ignored;
    recent_.losses.add(step, result.loss());
  }
  recent_.forget_validation();
  policy_->note_step(result, progress_);
  totals_.note_milestones(progress_.milestone_steps, step, now_seconds());
  if (!root()) return;
  writer_->settle_if_done();
  report_step(result, times);
}

void TrainingRun::evaluate() {
  const Samples& val = setup_.data->val;
  if (val.size() == 0) return;
  trainer_->clock().lap(Part::other);
  const double begin = now_seconds();
  const MetricSums sums = evaluator_->evaluate(trainer_->eval_parameters(), *setup_.loss, val);
  trainer_->clock().skip();
  const std::uint64_t step = trainer_->steps_done();
  recent_.validation = metrics_of(sums, val.counted(val.size(), val.ignored()));
  recent_.is_best = policy_->note_validation(recent_.validation, step, progress_);
  progress_.add_history(step, epochs_done(), epoch_metrics(), recent_.validation);
  if (root()) {
    records_.observers().on_eval({.step = step,
                                  .epoch = epochs_done(),
                                  .split = "val",
                                  .samples = val.size(),
                                  .metrics = recent_.validation,
                                  .seconds = now_seconds() - begin});
  }
  topology_.heartbeat().enter(Phase::between);
}

void TrainingRun::finish_epoch() {
  const std::uint64_t step = trainer_->steps_done();
  const std::vector<Metric> train = epoch_metrics();
  if (recent_.validation.empty()) progress_.add_history(step, epochs_done(), train, {});
  if (root()) report_epoch(train);
  report_times();
  if (plan_->ends_epoch(step)) progress_.end_epoch();
  totals_.end_epoch(now_seconds());
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
  if (out_of_time()) return "--max-time";
  return has_enough_steps() ? "--max-steps" : "a signal to another rank";
}

void TrainingRun::end(const std::string& status, ExitCode code, const std::string& reason) {
  topology_.heartbeat().enter(Phase::end);
  if (!root()) return;
  const SavedCheckpoint& saved = writer_->last();
  RunEnd end;
  end.status = status;
  end.code = code;
  end.reason = reason;
  end.step = trainer_->steps_done();
  end.epochs = end.step / plan_->steps_per_epoch();
  end.seconds = totals_.seconds(now_seconds());
  end.samples_per_second = totals_.samples_per_second();
  end.digest = saved.step == end.step ? saved.digest : "";
  end.checkpoint = saved.file;
  end.best = progress_.best;
  if (classifies() && progress_.knows_error()) {
    for (std::size_t i = 0; i < Progress::kMilestones.size(); ++i) {
      end.milestones.push_back({.error = Progress::kMilestones[i],
                                .step = progress_.milestone_steps[i],
                                .seconds = totals_.milestone_seconds()[i]});
    }
  }
  records_.end(end);
}

void TrainingRun::warn(const std::string& text) {
  if (root()) records_.observers().on_warning(text);
}

}  // namespace lockstep
