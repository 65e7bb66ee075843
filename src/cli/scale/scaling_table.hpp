#pragma once

#include <string>
#include <vector>

#include "cli/scale/scaling_report.hpp"

namespace lockstep::cli {

/// The points as people read them in a terminal, with digest and fit.
[[nodiscard]] std::string scaling_table(const ScalingReport& report);

/// The cells of that table, heading first; the page shows the same.
[[nodiscard]] std::vector<std::vector<std::string>> scaling_cells(const ScalingReport& report);

/// One row per point, times in seconds; a cell is empty where there is no such figure.
[[nodiscard]] std::string scaling_csv(const ScalingReport& report);

/// Each measurement and each of its parts in Extra-P's JSON Lines form; parts add up to the step.
[[nodiscard]] std::string scaling_lines(const std::vector<Measurement>& measurements);

/// The report as one JSON object.
[[nodiscard]] std::string scaling_json(const ScalingPlan& plan, const ScalingReport& report,
                                       const std::string& directory);

}  // namespace lockstep::cli
