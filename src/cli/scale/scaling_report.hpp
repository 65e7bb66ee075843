#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/scale/scaling_measurement.hpp"
#include "cli/scale/scaling_statistics.hpp"

namespace lockstep::cli {

/// The figures of one point.
struct PointFigures {
  ScalingPoint point;
  int repeats = 0;  ///< finished runs
  Index batch = 0;
  double load = 0;  ///< threads for each processor
  Estimate step_seconds{};
  double samples_per_second = 0;
  Estimate speedup{};                       ///< ratio of samples per second to that of the base
  std::optional<Estimate> efficiency{};     ///< speed-up for each processor; see `honest`
  std::optional<double> serial_fraction{};  ///< Karp-Flatt, or Gustafson if the work grows as p
  StepShares shares{};                      ///< mean over the repeats

  /// Without more threads than processors; otherwise neither efficiency nor serial fraction mean
  /// anything.
  [[nodiscard]] bool honest() const { return load <= 1; }
};

/// Runs that must end in the same state, and did so.
struct DigestGroup {
  std::string digest;
  int ranks = 0;  ///< in weak mode, where the batch depends on it; else 0
  std::vector<ScalingPoint> points{};
  int runs = 0;
};

/// What is known after some or all runs.
struct ScalingReport {
  ScalingMode mode = ScalingMode::strong;
  Index steps = 0;  ///< of a run, warm-up included
  int processors = 0;
  int finished = 0;  ///< runs
  int planned = 0;
  std::vector<PointFigures> points{};  ///< with at least one finished run; the first is the base
  std::vector<DigestGroup> digests{};
  std::optional<ScalingFit> fit{};
  std::string refused{};  ///< why there is no fit

  /// Whether all runs that must end in the same state did.
  [[nodiscard]] bool identical() const;
};

/// The figures of the runs that are finished. A pure function.
[[nodiscard]] ScalingReport report_on(const ScalingPlan& plan,
                                      const std::vector<Measurement>& measurements);

/// "1 x 1" or "2 x 1", to which speed-ups refer.
[[nodiscard]] std::string base_text(const ScalingReport& report);
/// "identical in all 20 runs (2c79...)", or which points differ.
[[nodiscard]] std::string digest_text(const ScalingReport& report);
/// The law that was fitted with its numbers, or why there is none.
[[nodiscard]] std::string fit_text(const ScalingReport& report);
/// "oversubscribed 2x", or nothing.
[[nodiscard]] std::string note_text(const PointFigures& point);
/// Milliseconds with digits that fit their size: "27.90", "0.2541".
[[nodiscard]] std::string milliseconds(double seconds);

}  // namespace lockstep::cli
