#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/comm/topology.hpp"
#include "lockstep/comm/watchdog.hpp"
#include "lockstep/run/progress.hpp"
#include "lockstep/run/run.hpp"
#include "lockstep/setup/setup.hpp"
#include "lockstep/train/evaluator.hpp"
#include "lockstep/train/trainer.hpp"
#include "run/checkpoint_writer.hpp"
#include "run/recent_steps.hpp"
#include "run/run_plan.hpp"
#include "run/run_policy.hpp"
#include "run/run_records.hpp"
#include "run/segment_totals.hpp"

namespace lockstep {

/// One start or resume of a run, from reading the configuration to the last record. Collective
/// throughout: every rank walks through the same calls, and rank 0 alone reads and writes files.
///
/// It calls in their order those who do the work: the trainer and the evaluator learn and judge, a
/// policy decides, a writer saves, the records tell. `loop` is the run to be read aloud.
class TrainingRun {
 public:
  TrainingRun(const Communicator& world, const RunRequest& request, Observer& observer);

  ExitCode run();

 private:
  [[nodiscard]] bool root() const { return world_.rank() == 0; }
  [[nodiscard]] bool classifies() const { return setup_.loss->classifies(); }
  [[nodiscard]] const config::Config& config() const { return setup_.config; }
  [[nodiscard]] double epochs_done() const { return plan_->epochs_after(trainer_->steps_done()); }
  void warn(const std::string& text);

  // Before the first step.
  void start();
  void exit_if_stopped() const;
  [[nodiscard]] std::optional<StoredCheckpoint> find_checkpoint(std::vector<std::string>& notes);
  void plan(int threads, const std::optional<StoredCheckpoint>& resume_from,
            std::vector<std::string> notes);
  void build_trainer();
  [[nodiscard]] std::string restore_from(StoredCheckpoint& stored);
  [[nodiscard]] std::vector<RankPlace> exchange_places();
  void begin_records(const std::string& resumed_digest);
  [[nodiscard]] Index bytes_of_save() const;
  [[nodiscard]] MemoryUse most_memory() const;
  [[nodiscard]] RunStart start_event() const;

  // Step by step.
  ExitCode loop();
  void begin_segment();
  [[nodiscard]] bool finished() const;
  [[nodiscard]] bool out_of_time() const;
  [[nodiscard]] bool has_enough_steps() const;
  [[nodiscard]] Votes votes() const;
  [[nodiscard]] StepResult step();
  void note_step(const StepResult& result);
  void evaluate();
  void finish_epoch();

  // What is told of it.
  [[nodiscard]] std::vector<Metric> metrics_of(const MetricSums& sums, double counted) const;
  [[nodiscard]] std::vector<Metric> epoch_metrics() const;
  void report_step(const StepResult& result, const StepTimes& times);
  void report_epoch(const std::vector<Metric>& train);
  void report_times();

  // When numbers are not finite, or machines do not compute what they should.
  [[nodiscard]] bool handle_bad_step(const StepResult& result);
  [[nodiscard]] bool all_finite();
  [[nodiscard]] bool apply_remedy(Remedy remedy, const std::string& what);
  [[nodiscard]] bool passes_audit(bool recompute);
  void recover(const std::string& finding);
  [[nodiscard]] bool roll_back(std::uint64_t every);

  // Checkpoints.
  void save_initial();
  [[nodiscard]] SaveDraft draft() const;
  void gather(SaveDraft& draft);
  void save(bool to_the_end);
  [[nodiscard]] std::optional<std::uint64_t> best_step() const;

  // The end.
  [[nodiscard]] std::string stop_reason() const;
  void end(const std::string& status, ExitCode code, const std::string& reason);

  const RunRequest& request_;
  const double started_;  // by now_seconds
  const Topology topology_;
  const Communicator& world_;
  RunRecords records_;
  Watchdog watchdog_;
  Setup setup_;
  std::unique_ptr<const RunPlan> plan_;
  std::unique_ptr<const RunPolicy> policy_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Evaluator> evaluator_;
  std::vector<std::string> node_names_;  // of each rank
  Progress progress_;
  RecentSteps recent_;
  SegmentTotals totals_;
  std::unique_ptr<CheckpointWriter> writer_;  // rank 0 only; last: its destructor waits
};

}  // namespace lockstep
