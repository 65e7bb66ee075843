#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "cli/scale/scaling_plan.hpp"

namespace lockstep::cli {

/// Where the time of a step goes, as metrics.jsonl calls it: "data_s", ...; they add up to step_s.
inline constexpr std::array<std::string_view, 9> kStepParts = {
    "data", "forward", "backward", "hidden", "exposed", "update", "wait", "checkpoint", "other"};
using StepShares =
    std::array<double, kStepParts.size()>;  ///< of the time of a step; their sum is 1

/// Index of a part in StepShares.
[[nodiscard]] std::size_t part_index(std::string_view name);

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
