// What a run does when numbers are not finite or a loss is a spike, or when machines do not compute
// what they should.
#include <fmt/format.h>

#include "lockstep/base/clock.hpp"
#include "lockstep/comm/agreement.hpp"
#include "run/audit.hpp"
#include "run/divergence.hpp"
#include "run/training_run.hpp"

namespace lockstep {

// After a step that changed nothing. True if it counts as done, false if the run went back. Every
// rank decides alike. Errors: Error(diverged) or AgreedError(desync) if the run is to end.
bool TrainingRun::handle_bad_step(const StepResult& result) {
  if (!result.changed.empty()) {
    recover(changed_in_memory(result.changed, node_names_));
    return false;
  }
  const std::string what = describe({.step = trainer_->steps_done(),
                                     .loss = result.loss(),
                                     .loss_limit = policy_->loss_limit(progress_),
                                     .usual_loss = progress_.spike_limit(1),
                                     .learning_rate = recent_.learning_rate,
                                     .base_rate = config().optimizer.real("lr")},
                                    recent_.losses);
  return apply_remedy(policy_->after_bad_step(progress_), what);
}

// Whether what the last update left is finite: nothing else is saved. False if the run went back.
// Collective. Errors: Error(diverged) if the run is to end.
bool TrainingRun::all_finite() {
  if (!world_.any(!trainer_->finite())) return true;
  const std::string what = describe({.step = trainer_->steps_done(),
                                     .learning_rate = recent_.learning_rate,
                                     .base_rate = config().optimizer.real("lr"),
                                     .updated = true},
                                    recent_.losses);
  return apply_remedy(policy_->after_bad_update(progress_), what);
}

// See `handle_bad_step`; `what` says what was wrong.
bool TrainingRun::apply_remedy(Remedy remedy, const std::string& what) {
  const config::Divergence& divergence = config().divergence;
  const std::uint64_t step = trainer_->steps_done();
  switch (remedy) {
    case Remedy::stop:
      break;
    case Remedy::skip:
      ++progress_.skipped;
      warn(fmt::format("{}\n  skipped, {} of at most {} in a row", what, progress_.skipped,
                       divergence.limit));
      return true;
    case Remedy::roll_back: {
      const Index rollbacks = progress_.rollbacks + 1;
      if (!roll_back(policy_->rollback_steps(plan_->info.steps_per_epoch))) {
        throw Error(ExitCode::diverged, what + "\n  there is no checkpoint to go back to");
      }
      progress_.rollbacks = rollbacks;
      warn(fmt::format(
          "{}\n  back from step {} to step {} with {} x the learning rate, {} of at "
          "most {} times",
          what, step, trainer_->steps_done(), divergence.rate_factor, rollbacks, divergence.limit));
      return false;
    }
  }
  throw Error(ExitCode::diverged, what);
}

// Compares what ranks hold, and with `recompute` what they compute. False if the run went back.
// Collective. Errors: AgreedError(desync) if the run is to end.
bool TrainingRun::passes_audit(bool recompute) {
  if (config().audit.every.value == 0) return true;
  trainer_->clock().lap(Part::other);
  const AuditRecord mine = trainer_->evidence(recompute);
  std::vector<AuditRecord> all(static_cast<std::size_t>(world_.size()));
  world_.all_gather(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(all)));
  trainer_->clock().lap(Part::other);
  const std::optional<std::string> finding = disagreement_of(all, node_names_);
  if (finding) {
    recover(*finding);
  } else if (recompute) {
    recent_.failed_audits = 0;
  }
  return !finding;
}

// After a fault of a machine. Collective.
void TrainingRun::recover(const std::string& finding) {
  const std::string what = fmt::format("after step {}, {}", trainer_->steps_done(), finding);
  if (policy_->goes_back_after_fault(recent_.failed_audits) && roll_back(1)) {
    ++recent_.failed_audits;
    return warn(fmt::format("{}\n  back to step {}", what, trainer_->steps_done()));
  }
  throw AgreedError(ExitCode::desync, what + "; the last checkpoint is good");
}

// Goes on from the newest checkpoint of a multiple of `every` steps; false if there is none.
// Collective.
bool TrainingRun::roll_back(std::uint64_t every) {
  topology_.heartbeat().enter(Phase::data);
  std::optional<StoredCheckpoint> stored;
  run_on_root(world_, [&] { stored = writer_->newest(every); });
  broadcast_checkpoint(world_, stored);
  if (!stored) return false;
  const std::string digest = restore_from(*stored);
  run_on_root(world_, [&] { writer_->go_back_to(trainer_->steps_done(), digest, best_step()); });
  recent_.rolled_back();
  totals_.rolled_back(now_seconds());
  trainer_->clock().skip();
  return true;
}

}  // namespace lockstep
