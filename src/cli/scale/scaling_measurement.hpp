#pragma once

#include <array>
#include <filesystem>
#include <string>

#include "cli/scale/scaling_plan.hpp"
#include "lockstep/train/step_times.hpp"

namespace lockstep::cli {

/// What each part takes of the time of a step; the sum is 1.
using StepShares = std::array<double, kPartRows.size()>;

[[nodiscard]] constexpr double share_of(const StepShares& shares, Part part) {
  return shares[static_cast<std::size_t>(part)];
}

/// What one run gave.
struct Measurement {
  ScalingRun run;
  double step_seconds = 0;  ///< median of the timed steps
  StepShares shares{};      ///< of the sum of the timed steps
  std::string digest;       ///< of the state at the end
  std::string machine;      ///< "AMD EPYC 9654 on n1, n2"
};

/// Reads metrics.jsonl and manifest.json of a finished run. Steps of the warm-up and those with
/// less than the full batch, the last of an epoch, do not count.
/// Errors: config if no step is left; bad_data if the files do not hold what a run writes.
[[nodiscard]] Measurement read_measurement(const std::filesystem::path& directory,
                                           const ScalingPlan& plan, const ScalingRun& run);

}  // namespace lockstep::cli
