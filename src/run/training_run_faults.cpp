// What a run does when its numbers are of no use, or when machines do not compute what they should.
#include <fmt/format.h>

#include "lockstep/comm/agreement.hpp"
#include "run/audit.hpp"
#include "run/divergence.hpp"
#include "run/training_run.hpp"

namespace lockstep {
namespace {

constexpr int kMaxFailedAudits = 3;

}  // namespace

// After divergence a run goes back to a multiple of so many steps: where other checkpoints are
// depends on the time, on signals and on failures.
std::uint64_t TrainingRun::rollback_steps() const {
  if (config().divergence.action != "rollback") return 1;
  return steps_of(config().checkpoint.every, steps_per_epoch_);
}

// So that there is always something to go back to. Collective.
void TrainingRun::save_the_beginning() {
  const bool goes_back =
      config().divergence.action == "rollback" || config().audit.action == "rollback";
  if (!goes_back) return;
  const bool missing = world_.any(root() && !store_->holds(trainer_->steps_done()));
  if (missing && is_worth_saving()) save(false);
}

// After a step that changed nothing. True if it counts as done, false if the run went back. Every
// rank decides alike. Errors: Error(diverged) or AgreedError(desync) if the run is to end.
bool TrainingRun::survives(const StepResult& result) {
  if (!result.changed.empty()) {
    recover(changed_in_memory(result.changed, node_names_));
    return false;
  }
  const config::Divergence& policy = config().divergence;
  const std::string what = describe({.step = trainer_->steps_done(),
                                     .loss = result.loss(),
                                     .loss_limit = progress_.spike_limit(policy.spike),
                                     .usual_loss = progress_.spike_limit(1),
                                     .learning_rate = rate_,
                                     .base_rate = config().optimizer.real("lr")},
                                    recent_losses_);
  return goes_on_after(what, remedy_for(policy, progress_));
}

// Whether what the last update left is finite: nothing else is saved. False if the run went back.
// Collective. Errors: Error(diverged) if the run is to end.
bool TrainingRun::is_worth_saving() {
  if (!world_.any(!trainer_->finite())) return true;
  const std::string what = describe({.step = trainer_->steps_done(),
                                     .learning_rate = rate_,
                                     .base_rate = config().optimizer.real("lr"),
                                     .updated = true},
                                    recent_losses_);
  const Remedy remedy = remedy_for(config().divergence, progress_);
  // No other batch would mend it.
  return goes_on_after(what, remedy == Remedy::skip ? Remedy::stop : remedy);
}

// What is done about useless numbers: see `survives`.
bool TrainingRun::goes_on_after(const std::string& what, Remedy remedy) {
  const config::Divergence& policy = config().divergence;
  const std::uint64_t step = trainer_->steps_done();
  switch (remedy) {
    case Remedy::stop:
      break;
    case Remedy::skip:
      ++progress_.skipped;
      warn(fmt::format("{}\n  skipped, {} of at most {} in a row", what, progress_.skipped,
                       policy.limit));
      return true;
    case Remedy::roll_back: {
      const Index rollbacks = progress_.rollbacks + 1;
      if (!roll_back(rollback_steps())) {
        throw Error(ExitCode::diverged, what + "\n  there is no checkpoint to go back to");
      }
      progress_.rollbacks = rollbacks;
      warn(fmt::format(
          "{}\n  back from step {} to step {} with {} x the learning rate, {} of at "
          "most {} times",
          what, step, trainer_->steps_done(), policy.rate_factor, rollbacks, policy.limit));
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
  const Evidence mine = trainer_->evidence(recompute);
  std::vector<Evidence> all(static_cast<std::size_t>(world_.size()));
  world_.all_gather(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(all)));
  trainer_->clock().lap(Part::other);
  const std::optional<std::string> finding = finding_of(all, node_names_);
  if (finding) {
    recover(*finding);
  } else if (recompute) {
    failed_audits_ = 0;
  }
  return !finding;
}

// After a fault of a machine. Collective.
void TrainingRun::recover(const std::string& finding) {
  const std::string what = fmt::format("after step {}, {}", trainer_->steps_done(), finding);
  if (config().audit.action == "rollback" && failed_audits_ < kMaxFailedAudits && roll_back(1)) {
    ++failed_audits_;
    return warn(fmt::format("{}\n  back to step {}", what, trainer_->steps_done()));
  }
  throw AgreedError(ExitCode::desync, what + "; the last checkpoint is good");
}

// Goes on from the newest checkpoint of a multiple of `every` steps; false if there is none.
// Collective.
bool TrainingRun::roll_back(std::uint64_t every) {
  topology_.heartbeat().enter(Phase::data);
  std::optional<StoredCheckpoint> stored;
  on_root(world_, [&] {
    directory_->require_ownership();
    finish_save();
    std::vector<std::string> rejected;
    stored = store_->newest(rejected, every);
    for (const std::string& reason : rejected) audience_.on_warning(reason);
  });
  broadcast_checkpoint(world_, stored);
  if (!stored) return false;
  go_on_from(*stored);
  on_root(world_, [&] {
    directory_->require_ownership();
    store_->set_aside_after(trainer_->steps_done());
    link_checkpoints(trainer_->steps_done(), progress_);
  });
  recent_losses_.clear();
  val_is_best_ = false;
  epoch_times_ = {};
  epoch_steps_ = 0;
  epoch_segment_samples_ = 0;
  epoch_started_ = last_save_ = now_seconds();
  trainer_->clock().skip();
  return true;
}

void TrainingRun::warn(const std::string& text) {
  if (root()) audience_.on_warning(text);
}

}  // namespace lockstep
