#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/scale/scaling_report.hpp"

namespace lockstep::cli {

/// A line of the block that says what was measured, where and with what.
struct PageFact {
  std::string name;
  std::string value;
};

/// What the page shows.
struct ScalingPage {
  std::string name;  ///< of the run that was measured
  std::vector<PageFact> facts;
  ScalingReport report;
};

/// One self-contained HTML page: charts, table and facts; no scripts, nothing from elsewhere.
[[nodiscard]] std::string scaling_page(const ScalingPage& page);

/// Text as HTML shows it: markup characters replaced.
[[nodiscard]] std::string html_text(std::string_view text);

}  // namespace lockstep::cli
