// What a run does when its numbers are of no use, or when machines do not compute what they should.
#include <fmt/format.h>

#include <cmath>

#include "lockstep/comm/agreement.hpp"
#include "train/dissent.hpp"
#include "train/training_run.hpp"

namespace lockstep {
namespace {

constexpr int kMaxFailedAudits = 3;

std::string times_text(double factor) {
  return factor < 1e4 ? fmt::format("{:.3g} x", factor) : fmt::format("{:.0e} x", factor);
}

std::string steps_text(std::uint64_t count) {
  return fmt::format("{} step{}", count, count == 1 ? "" : "s");
}

}  // namespace

// For people: what happened, how it came, what to do.
std::string TrainingRun::describe_divergence(const StepResult& result) const {
  constexpr double kRise = 2;  // the slope is too steep for this learning rate, not one bad sample
  const std::uint64_t step = trainer_->steps_done();
  const double loss = result.sums[0] / static_cast<double>(result.batch.size);
  const double limit = progress_.spike_limit(config().divergence.spike);
  std::string text;
  bool rose = false;
  if (std::isfinite(loss) && loss > limit) {
    const double usual = limit / config().divergence.spike;
    text = fmt::format("the loss of step {}, {:.4g}, is {} the usual {:.4g}", step, loss,
                       times_text(loss / usual), usual);
  } else {
    text = fmt::format("the {} of step {} is not finite", std::isfinite(loss) ? "gradient" : "loss",
                       step);
  }
  if (!recent_losses_.empty()) {
    const LossHistory::Point lowest = recent_losses_.lowest();
    const LossHistory::Point last = recent_losses_.last();
    rose = last.loss > kRise * lowest.loss && lowest.loss > 0;
    if (rose) {
      text += fmt::format("; before, it rose {} in {}, from {:.4g} at step {} to {:.4g}",
                          times_text(last.loss / lowest.loss), steps_text(last.step - lowest.step),
                          lowest.loss, lowest.step, last.loss);
    }
  }
  return text + fmt::format("\n  {}: --set optimizer.lr={:.3g}, or optimizer.clip_norm=1",
                            rose ? fmt::format("the learning rate {:.3g} is too large; try", rate_)
                                 : "try a lower learning rate",
                            config().optimizer.real("lr") / 10);
}

// True if the step counts as done, false if the run went back. Every rank decides alike. Errors:
// Error(diverged) if the run is to end.
bool TrainingRun::survives_divergence(const StepResult& result) {
  const config::Divergence& policy = config().divergence;
  const std::string what = describe_divergence(result);
  if (policy.action == "skip" && progress_.skipped < policy.limit) {
    ++progress_.skipped;
    if (root()) {
      audience_.on_warning(fmt::format("{}\n  skipped, {} of at most {} in a row", what,
                                       progress_.skipped, policy.limit));
    }
    return true;
  }
  if (policy.action == "rollback" && progress_.rollbacks < policy.limit) {
    const Index rollbacks = progress_.rollbacks + 1;
    const std::uint64_t step = trainer_->steps_done();
    if (!roll_back(steps_of(config().checkpoint.every, steps_per_epoch_))) {
      throw Error(ExitCode::diverged, what + "\n  there is no checkpoint to go back to");
    }
    progress_.rollbacks = rollbacks;
    if (root()) {
      audience_.on_warning(fmt::format(
          "{}\n  back from step {} to step {} with a learning rate of {:.3g} x what it "
          "was, {} of at most {} times",
          what, step, trainer_->steps_done(), policy.rate_factor, rollbacks, policy.limit));
    }
    return false;
  }
  throw Error(ExitCode::diverged, what);
}

// Every node holds the same parameters, and every rank computes the same bits, or something is
// broken: memory, a library, a processor. False if the run went back. Collective.
bool TrainingRun::passes_audit() {
  trainer_->clock().lap(Part::other);
  const Evidence mine = trainer_->evidence();
  std::vector<Evidence> all(static_cast<std::size_t>(world_.size()));
  world_.all_gather(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(all)));
  std::vector<int> ranks, leaders;
  std::vector<Digest> gradients, parameters;
  for (int rank = 0; rank < world_.size(); ++rank) {
    const Evidence& evidence = all[static_cast<std::size_t>(rank)];
    ranks.push_back(rank);
    gradients.push_back(evidence.gradient);
    if (evidence.parameters == Digest{}) continue;
    leaders.push_back(rank);
    parameters.push_back(evidence.parameters);
  }
  const Dissent held = dissent_among(leaders, parameters);
  const Dissent computed = dissent_among(ranks, gradients);
  trainer_->clock().lap(Part::other);
  if (held.ranks.empty() && computed.ranks.empty()) {
    failed_audits_ = 0;
    return true;
  }
  // Other parameters give other gradients, too.
  const Dissent& dissent = held.ranks.empty() ? computed : held;
  std::string who;
  for (const int rank : dissent.ranks) {
    who += fmt::format("{}rank {} on {}", who.empty() ? "" : ", ", rank,
                       node_names_[static_cast<std::size_t>(rank)]);
  }
  const std::string what = fmt::format(
      "after step {}, {} {} than {}\n  suspect {} memory or processor", trainer_->steps_done(), who,
      held.ranks.empty() ? "computes another gradient of the same microbatch"
                         : "holds other parameters",
      dissent.certain ? "most others" : "as many others", dissent.certain ? "its" : "either's");
  if (config().audit.action == "rollback" && failed_audits_ < kMaxFailedAudits && roll_back(1)) {
    ++failed_audits_;
    if (root()) {
      audience_.on_warning(fmt::format("{}\n  back to step {}", what, trainer_->steps_done()));
    }
    return false;
  }
  throw AgreedError(ExitCode::desync, what + "; the last checkpoint is good");
}

// Goes on from the newest checkpoint of a multiple of `every` steps; false if there is none.
// Collective.
bool TrainingRun::roll_back(std::uint64_t every) {
  std::optional<StoredCheckpoint> stored;
  on_root(world_, [&] {
    std::vector<std::string> rejected;
    stored = store_->newest(rejected, every);
    for (const std::string& reason : rejected) audience_.on_warning(reason);
  });
  broadcast_checkpoint(world_, stored);
  if (!stored) return false;
  go_on_from(*stored);
  on_root(world_, [&] { store_->set_aside_after(trainer_->steps_done()); });
  recent_losses_.clear();
  epoch_times_ = {};
  epoch_steps_ = 0;
  epoch_segment_samples_ = 0;
  epoch_started_ = last_save_ = now_seconds();
  trainer_->clock().skip();
  return true;
}

}  // namespace lockstep
