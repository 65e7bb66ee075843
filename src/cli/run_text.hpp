#pragma once

#include <string>

#include "lockstep/run/events.hpp"

namespace lockstep::cli {

/// What a run is: program, ranks and nodes, directory, data, notes, and the table of its layers.
[[nodiscard]] std::string header_text(const RunStart& start);

/// "epoch  1/5   235 steps   loss 0.2931  val 0.0874  acc 97.31 %  lr 0.2000 ...", without line
/// end.
[[nodiscard]] std::string epoch_text(const EpochEvent& epoch);
/// The same for 80 columns: without steps, speed and checkpoint.
[[nodiscard]] std::string short_epoch_text(const EpochEvent& epoch);

/// Where the time of a step went, part by part, and the slowest rank.
[[nodiscard]] std::string times_text(const TimesEvent& event);

/// When the training error fell below its bounds; empty without milestones.
[[nodiscard]] std::string milestones_text(const RunEnd& end);

/// How a finished run went: time, best figure, throughput, digest of the final state.
[[nodiscard]] std::string done_text(const RunEnd& end, const std::string& directory);

}  // namespace lockstep::cli
