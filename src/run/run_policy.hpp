#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lockstep/config/config.hpp"
#include "lockstep/run/progress.hpp"
#include "lockstep/setup/catalogue.hpp"
#include "lockstep/train/trainer.hpp"
#include "run/divergence.hpp"

namespace lockstep {

/// What a configuration wants done about the results of a run: whether it ends early, when the
/// learning rate falls, what follows a useless step or a failed audit. Nothing here communicates,
/// reads a clock or a file: every rank decides alike, for all depends only on the configuration, on
/// results that all ranks know, and on the progress that they have in common.
class RunPolicy {
 public:
  /// Both must outlive it.
  RunPolicy(const config::Config& config, const LearningRate& schedule)
      : config_(config), schedule_(schedule) {}

  /// Of step `step`, from 1: what the schedule says, times rate_factor^rollbacks.
  [[nodiscard]] double learning_rate(std::uint64_t step, const Progress& progress) const;
  /// Whether it asks for the norm of the gradient of every step.
  [[nodiscard]] bool needs_gradient_norm() const;
  /// The loss above which a step is useless.
  [[nodiscard]] double loss_limit(const Progress& progress) const {
    return progress.spike_limit(config_.divergence.spike);
  }

  /// Counts a step that is done, whether it changed anything or was skipped. Allocates nothing.
  void note_step(const StepResult& result, Progress& progress) const;
  /// Counts an evaluation of the validation samples; the plateau drops the learning rate here. True
  /// if it was the best so far.
  bool note_validation(std::span<const Metric> metrics, std::uint64_t step,
                       Progress& progress) const;

  /// stop.patience: the metric has not improved for so many evaluations.
  [[nodiscard]] bool patience_exhausted(const Progress& progress) const;
  /// stop.gradient_norm: the norm was smaller for so many steps in a row.
  [[nodiscard]] bool gradient_vanished(const Progress& progress) const;
  /// Whether the run ends, however many steps are left.
  [[nodiscard]] bool ends_early(const Progress& progress) const {
    return patience_exhausted(progress) || gradient_vanished(progress);
  }
  /// Why it does, as a sentence; empty if it does not.
  [[nodiscard]] std::string early_end(const Progress& progress) const;

  /// After a step whose loss or gradient was of no use.
  [[nodiscard]] Remedy after_bad_step(const Progress& progress) const {
    return remedy_for(config_.divergence, progress);
  }
  /// After an update that left numbers which are not finite: another batch would not mend that.
  [[nodiscard]] Remedy after_bad_update(const Progress& progress) const;
  /// Whether a run goes back after a fault of a machine, when it did so after the last
  /// `failed_audits` ones in a row; else it ends.
  [[nodiscard]] bool goes_back_after_fault(int failed_audits) const;

  /// Whether the run may ever go back, so that there must always be something to go back to.
  [[nodiscard]] bool may_go_back() const;
  /// After divergence the run goes back to a multiple of so many steps: where other checkpoints are
  /// depends on the time, on signals and on failures. 1 if it never does.
  [[nodiscard]] std::uint64_t rollback_steps(Index steps_per_epoch) const;

 private:
  const config::Config& config_;
  const LearningRate& schedule_;
};

}  // namespace lockstep
