#pragma once

#include <CLI/CLI.hpp>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::cli {

/// The help of --held-out.
inline constexpr std::string_view kHeldOutHelp =
    "Use only the samples that the run held out from its training data (data.holdout); give --data "
    "if the training data has moved (default: off)";

/// CHECKPOINT, the argument of the commands that use one.
void add_checkpoint(CLI::App& app, std::string& checkpoint);

/// Says which file was taken if another was named, as is the directory of a run.
void tell_checkpoint(const std::string& named, const std::string& taken, std::ostream& err);

/// What was noted about the data, a line each.
void tell_notes(const std::vector<std::string>& notes, std::ostream& err);

}  // namespace lockstep::cli
