#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lockstep/io/appended_file.hpp"
#include "lockstep/run/events.hpp"

namespace lockstep {

/// The JSON Schema (draft 2020-12) of one line of metrics.jsonl.
[[nodiscard]] std::string metrics_schema();

/// Appends what happens in a run to metrics.jsonl: one JSON object per line, each written at once,
/// no finished line ever rewritten. JSON has no NaN: such a number is null, and "nonfinite" names
/// it. A failed write, as of a full disk, never stops training: the line is lost and `warn` is told
/// once. Rank 0 only.
class MetricsLog : public Observer {
 public:
  using Warn = std::function<void(const std::string&)>;

  /// Drops an unfinished last line that a killed process left.
  /// Errors: cannot_create.
  MetricsLog(AppendedFile file, Warn warn);

  void on_start(const RunStart& start) override;
  /// Writes the steps that are `logged`.
  void on_step(const StepEvent& step) override;
  void on_epoch(const EpochEvent& epoch) override;
  void on_times(const TimesEvent& event) override;
  void on_eval(const EvalEvent& eval) override;
  void on_checkpoint(const CheckpointEvent& checkpoint) override;
  void on_end(const RunEnd& end) override;

 private:
  void append(const std::string& line);

  AppendedFile file_;
  Warn warn_;
  bool warned_ = false;
};

}  // namespace lockstep
