#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/run/checkpoint.hpp"
#include "lockstep/run/checkpoint_store.hpp"
#include "lockstep/setup/catalogue.hpp"
#include "lockstep/setup/setup.hpp"
#include "setup/cadence.hpp"

namespace lockstep {

/// What one start of a run decides before its first step, constant from then on: the same on every
/// rank but for `threads` and `notes`.
struct RunPlan {
  int threads = 1;                 ///< of this rank
  CheckpointInfo info;             ///< what checkpoints say of the run, but for the step
  std::uint64_t total_steps = 0;   ///< of the whole run
  std::uint64_t first_step = 0;    ///< steps done before this segment
  std::string resumed_from;        ///< checkpoint file; empty for a fresh start
  std::vector<std::string> notes;  ///< sentences for people
  LearningRate learning_rate;
  Cadence log, eval, audit, checkpoint;  ///< when they are due

  [[nodiscard]] std::uint64_t steps_per_epoch() const {
    return static_cast<std::uint64_t>(info.steps_per_epoch);
  }
  /// Epochs done after a step, with fraction.
  [[nodiscard]] double epochs_after(std::uint64_t step) const {
    return static_cast<double>(step) / static_cast<double>(info.steps_per_epoch);
  }
  [[nodiscard]] bool ends_epoch(std::uint64_t step) const { return step % steps_per_epoch() == 0; }
  /// The epoch that a step belongs to, from 1; of the last step, the number of epochs.
  [[nodiscard]] std::uint64_t epoch_of(std::uint64_t step) const {
    return (step + steps_per_epoch() - 1) / steps_per_epoch();
  }
};

/// Plans a run on `ranks` ranks from the start, or from a checkpoint, whose bytes are all there.
/// The notes come behind those given. Not collective.
/// Errors: config for numbers that do not fit each other or the ranks; bad_data if the checkpoint
/// is of another run.
[[nodiscard]] RunPlan plan_run(const Setup& setup, int ranks, int threads,
                               const std::optional<StoredCheckpoint>& resume_from,
                               std::vector<std::string> notes);

/// run.steps, or the steps of run.epochs.
/// Errors: config if they are more than 2^63.
[[nodiscard]] std::uint64_t total_steps_of(const config::Config& config, Index steps_per_epoch);

/// What people may not expect of the learning rate and the average of the weights.
[[nodiscard]] std::vector<std::string> notes_on_learning_rate(const config::Config& config,
                                                              const LearningRate& rate,
                                                              std::uint64_t total_steps);

}  // namespace lockstep
