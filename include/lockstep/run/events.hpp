#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/io/appended_file.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/train/memory_use.hpp"
#include "lockstep/train/step_times.hpp"

// What happens in a run, told to whoever wants to know: the terminal, the metrics file. Rank 0
// only.

namespace lockstep {

/// Told once, before the first step.
struct RunStart {
  std::string name;
  std::string directory;
  std::shared_ptr<AppendedFile> log;  ///< what people are told goes there, too; none if dry
  std::string config_file;
  std::size_t overrides = 0;
  std::uint64_t seed = 0;
  int ranks = 1;
  int threads = 1;                            ///< per rank
  std::vector<std::string> nodes;             ///< of each rank
  std::vector<std::string> instruction_sets;  ///< of each rank
  int segment = 1;                            ///< 1 + the number of resumes
  std::uint64_t first_step = 0;               ///< steps done before this segment
  std::string resumed_from;                   ///< checkpoint file; empty for a fresh start
  const Network* network = nullptr;
  std::string loss;
  std::string optimizer;
  std::string input_type;  ///< "uint8", "float32" or "symbols"
  Index train_samples = 0;
  Index val_samples = 0;
  bool held_out = false;  ///< validation samples were taken from the training data
  Index batch = 0;
  Index microbatches = 0;
  Index steps_per_epoch = 0;
  std::uint64_t total_steps = 0;
  MemoryUse memory;                ///< of the rank and the node that take most
  std::vector<std::string> notes;  ///< sentences for people
};

/// Told after every step.
struct StepEvent {
  std::uint64_t step = 0;  ///< steps done
  double epoch = 0;        ///< epochs done, with fraction
  double loss = 0;         ///< mean over the batch
  double error = 0;        ///< share of wrong answers in the batch; classification only
  double learning_rate = 0;
  std::optional<double> gradient_norm;  ///< of the global gradient, where it was computed
  Index samples = 0;                    ///< in the batch
  double seconds = 0;   ///< wall time since the step before, evaluations apart: times.total()
  StepTimes times;      ///< of rank 0
  bool logged = false;  ///< due by log.every
};

/// Where the time of one rank went, over some steps.
struct RankTimes {
  int rank = 0;
  std::string node;
  StepTimes times;
  int waited_for = -1;  ///< the rank that it slept longest for; -1: it did not wait
};

/// Told after each epoch, and when a run ends within one.
struct TimesEvent {
  std::uint64_t step = 0;
  Index steps = 0;               ///< that the times are of
  std::vector<RankTimes> ranks;  ///< all
};

/// Names the slowest rank if its own work took at least `factor` times the median of the other
/// ranks, and so long that it is no accident, a second; empty otherwise, or if `factor` is 0.
[[nodiscard]] std::string straggler(const TimesEvent& event, double factor);

/// Told when an epoch is complete, and when a run ends within one.
struct EpochEvent {
  std::uint64_t epoch = 0;   ///< from 1
  std::uint64_t epochs = 0;  ///< of the whole run, rounded up
  std::uint64_t step = 0;
  Index steps = 0;            ///< of this epoch
  std::vector<Metric> train;  ///< over the samples of the epoch so far
  std::vector<Metric> val;    ///< empty if no evaluation was due
  bool best = false;          ///< the validation was the best so far
  double learning_rate = 0;
  double samples_per_second = 0;  ///< of this segment's part of the epoch
  double seconds = 0;
};

struct EvalEvent {
  std::uint64_t step = 0;
  double epoch = 0;
  std::string split;  ///< "val", or the data set given
  Index samples = 0;
  std::vector<Metric> metrics;
  double seconds = 0;
};

struct CheckpointEvent {
  std::uint64_t step = 0;
  std::string file;
  std::string digest;  ///< of the state
  double seconds = 0;
  Index bytes = 0;
};

/// The training error fell below a bound for the first time.
struct Milestone {
  double error = 0;        ///< 0.5, 0.45, 0.3, 0.15, 0.05
  std::uint64_t step = 0;  ///< 0 if not reached
  double seconds = -1;     ///< training time in this segment; negative if reached in an earlier one
};

struct BestMetric {
  std::string metric;  ///< "val/acc"
  double value = 0;
  std::uint64_t step = 0;
};

/// Told once, at the end, however it came.
struct RunEnd {
  std::string status;  ///< "done", "preempted", "failed"
  ExitCode code = ExitCode::ok;
  std::string reason;  ///< one sentence; empty if all steps were done
  std::uint64_t step = 0;
  std::uint64_t epochs = 0;           ///< complete ones
  double seconds = 0;                 ///< of this segment
  double samples_per_second = 0;      ///< of this segment's steps
  std::string digest;                 ///< of the final state; empty if it was not saved
  std::string checkpoint;             ///< the last one, relative to the directory
  std::vector<Milestone> milestones;  ///< classification only
  std::optional<BestMetric> best;
};

/// Someone who wants to know. Every member does nothing unless overridden.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_start(const RunStart&) {}
  virtual void on_step(const StepEvent&) {}
  virtual void on_epoch(const EpochEvent&) {}
  virtual void on_times(const TimesEvent&) {}
  virtual void on_eval(const EvalEvent&) {}
  virtual void on_checkpoint(const CheckpointEvent&) {}
  virtual void on_warning(const std::string&) {}
  virtual void on_end(const RunEnd&) {}
};

}  // namespace lockstep
