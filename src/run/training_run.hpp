#pragma once

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/base/clock.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/comm/watchdog.hpp"
#include "lockstep/run/checkpoint.hpp"
#include "lockstep/run/checkpoint_store.hpp"
#include "lockstep/run/manifest.hpp"
#include "lockstep/run/metrics_log.hpp"
#include "lockstep/run/run.hpp"
#include "lockstep/run/run_directory.hpp"
#include "lockstep/run/run_info.hpp"
#include "lockstep/setup/catalogue.hpp"
#include "lockstep/train/evaluator.hpp"
#include "lockstep/train/trainer.hpp"
#include "run/audience.hpp"
#include "run/divergence.hpp"
#include "run/loss_history.hpp"
#include "setup/cadence.hpp"

namespace lockstep {

/// One start or resume of a run, from reading the configuration to the last record. Collective
/// throughout: every rank walks through the same calls, and rank 0 alone reads and writes files.
class TrainingRun {
 public:
  TrainingRun(const Communicator& world, const RunRequest& request, Observer& observer);

  ExitCode run();

 private:
  [[nodiscard]] bool root() const { return world_.rank() == 0; }
  [[nodiscard]] bool classifies() const { return setup_.loss->classifies(); }
  [[nodiscard]] const config::Config& config() const { return setup_.config; }
  [[nodiscard]] double epochs_done() const;

  void plan();
  void find_checkpoint();
  [[nodiscard]] std::uint64_t steps_of_epochs(Index epochs) const;
  void note_data();
  void note_settings();
  void build_trainer();
  void restore();
  void go_on_from(StoredCheckpoint& stored);
  void open_directory();
  void begin_records();
  [[nodiscard]] Index bytes_of_save() const;
  [[nodiscard]] MemoryUse most_memory() const;
  [[nodiscard]] RunStart start_event() const;

  ExitCode loop();
  [[nodiscard]] bool finished() const;
  void leave_if_asked() const;
  Wishes wishes() const;
  void after_step(const StepResult& result);
  void report_step(const StepResult& result, const StepTimes& times);
  void report_times();
  [[nodiscard]] std::vector<Metric> metrics_of(const MetricSums& sums, double counted) const;
  [[nodiscard]] std::vector<Metric> epoch_metrics() const;
  void evaluate();
  void observe(const std::string& metric, double value);
  [[nodiscard]] bool improves_no_more() const;
  [[nodiscard]] bool slope_has_vanished() const;
  [[nodiscard]] std::string early_end() const;
  void finish_epoch();
  [[nodiscard]] std::uint64_t rollback_steps() const;
  void save_the_beginning();
  [[nodiscard]] bool survives(const StepResult& result);
  [[nodiscard]] bool is_worth_saving();
  [[nodiscard]] bool goes_on_after(const std::string& what, Remedy remedy);
  [[nodiscard]] bool passes_audit(bool recompute);
  void recover(const std::string& finding);
  [[nodiscard]] bool roll_back(std::uint64_t every);
  void warn(const std::string& text);

  /// A checkpoint that was written, or could not be.
  struct Save {
    CheckpointEvent event;
    std::string failure;  ///< empty: it is complete
  };
  [[nodiscard]] bool saves_again(const Cadence& cadence) const;
  bool save(bool to_the_end);
  /// A checkpoint to be written.
  struct Draft {
    std::uint64_t step = 0;
    Progress progress;
    std::optional<CheckpointDraft> file;
    std::string failure;  ///< why there is no file
  };
  [[nodiscard]] Draft draft() const;
  void gather(Draft& draft);
  void begin_save(Draft state, double begin, bool to_the_end);
  Save write(Draft state, double begin) const;
  void link_checkpoints(std::uint64_t latest, const Progress& progress) const;
  void require_directory() const;
  void finish_save();
  void await_save() const;
  [[nodiscard]] bool save_is_done() const;
  void report_save();
  [[noreturn]] void stall(const std::string& who) const;
  [[nodiscard]] std::string stop_reason() const;
  [[nodiscard]] bool owns_records() const;
  void end(const std::string& status, ExitCode code, const std::string& reason);

  const RunRequest& request_;
  const Topology topology_;
  const Communicator& world_;
  std::unique_ptr<RunDirectory> directory_;             // rank 0 only, as the others below
  std::atomic<const RunDirectory*> records_ = nullptr;  // the same, for the watchdog's thread
  Watchdog watchdog_;
  Audience audience_;
  Setup setup_;
  int threads_ = 1;
  Index microbatches_ = 0;
  Index steps_per_epoch_ = 1;
  std::uint64_t total_steps_ = 0;
  std::uint64_t first_step_ = 0;  // steps done before this segment
  CheckpointInfo info_;
  std::optional<StoredCheckpoint> resume_from_;  // on every rank
  std::string resumed_config_;                   // that of the checkpoint
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Evaluator> evaluator_;
  std::unique_ptr<LearningRate> learning_rate_;
  Progress progress_;
  LossHistory recent_losses_;
  int failed_audits_ = 0;  // in a row
  std::vector<std::string> notes_;

  std::vector<std::string> node_names_;  // of each rank

  // Rank 0 only.
  std::unique_ptr<CheckpointStore> store_;
  std::unique_ptr<Manifest> manifest_;
  std::unique_ptr<MetricsLog> metrics_;
  std::shared_ptr<AppendedFile> log_;

  double rate_ = 0;  // of the last step
  double started_ = now_seconds();
  double last_save_ = started_;  // when it began
  double save_stopped_ = 0;      // seconds for which it stopped training
  double save_took_ = 0;         // seconds until it was complete
  double epoch_started_ = started_;
  double step_seconds_ = 0;  // of this segment
  StepTimes epoch_times_;    // of this rank, of this segment's part of the epoch
  Index epoch_steps_ = 0;
  std::uint64_t segment_steps_ = 0;
  Index segment_samples_ = 0;
  Index epoch_segment_samples_ = 0;
  int failed_saves_ = 0;          // in a row; on rank 0
  std::uint64_t saved_step_ = 0;  // of the last complete checkpoint of this segment
  std::string saved_file_;
  std::string saved_digest_;
  std::vector<Metric> val_metrics_;  // of the last evaluation, if it was after the current step
  bool val_is_best_ = false;
  std::array<double, Progress::kMilestones.size()> milestone_seconds_{};
  mutable std::atomic<std::uint64_t> saved_pieces_ = 0;  // of the file under way; any thread
  std::future<Save> saving_;                             // rank 0 only; its destructor waits
};

}  // namespace lockstep
