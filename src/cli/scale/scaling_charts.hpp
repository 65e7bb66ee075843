#pragma once

#include <string>

#include "cli/scale/scaling_report.hpp"

// Charts of a scaling report as inline SVG. Their colours are the classes and variables of the
// style sheet of the page. A report without points gives an empty text.

namespace lockstep::cli {

/// Lines have so many colours, the classes s0, s1, ...; then they start again.
inline constexpr int kLineColours = 6;

/// Speed-up against processors asked for, both axes logarithmic: a line for each number of threads,
/// error bars, the ideal, hollow markers where oversubscribed.
[[nodiscard]] std::string speedup_chart(const ScalingReport& report);

/// Efficiency of the points that are not oversubscribed.
[[nodiscard]] std::string efficiency_chart(const ScalingReport& report);

/// Milliseconds of a step by part, a bar for each point; as wide as the page.
[[nodiscard]] std::string time_chart(const ScalingReport& report);

/// The names of the parts that the bars show, with their colours.
[[nodiscard]] std::string time_legend(const ScalingReport& report);

/// The names of the lines and markers of the other charts.
[[nodiscard]] std::string line_legend(const ScalingReport& report);

}  // namespace lockstep::cli
