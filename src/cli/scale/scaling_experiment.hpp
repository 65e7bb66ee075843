#pragma once

#include <ctime>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "cli/launch/child_process.hpp"
#include "cli/scale/scaling_measurement.hpp"
#include "cli/scale/scaling_page.hpp"
#include "cli/scale/scaling_report.hpp"

namespace lockstep::cli {

/// The runs of a plan one after the other. After each, scaling.jsonl, scaling.csv and report.html
/// in its directory hold what is known by then, and a line tells it.
class ScalingExperiment {
 public:
  /// `directory` is empty; `command` is the command line that asked for it all.
  ScalingExperiment(ScalingPlan plan, std::filesystem::path directory, std::string command,
                    std::ostream& progress);

  /// Makes all runs, or those before a stop signal, whose number it returns; else 0.
  /// Errors: that of a run that fails, with its words and its code; io or cannot_create.
  [[nodiscard]] int run();

  [[nodiscard]] ScalingReport report() const { return report_on(plan_, measurements_); }
  [[nodiscard]] const ScalingPlan& plan() const { return plan_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

 private:
  void announce() const;
  /// False if a stop signal came first.
  bool measure(const ScalingRun& run, StopSignals& signals);
  void write() const;
  void tell() const;
  [[nodiscard]] std::vector<PageFact> facts() const;

  ScalingPlan plan_;
  std::filesystem::path directory_;
  std::string command_;
  std::time_t started_;
  std::ostream& progress_;
  std::vector<Measurement> measurements_;
};

}  // namespace lockstep::cli
