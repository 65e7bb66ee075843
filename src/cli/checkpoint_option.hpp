#pragma once

#include <CLI/CLI.hpp>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::cli {

/// The help of --held-out.
inline constexpr std::string_view kHeldOutHelp =
    "Only the samples that the run held out of its training data (data.holdout), of --data if that "
    "is where the training data is now (default: off)";

/// CHECKPOINT, the argument of the commands that use one.
void add_checkpoint(CLI::App& app, std::string& checkpoint);

/// Says which file was taken if another was named, as is the directory of a run.
void tell_checkpoint(const std::string& named, const std::string& taken, std::ostream& err);

/// What was noted about the data, a line each.
void tell_notes(const std::vector<std::string>& notes, std::ostream& err);

}  // namespace lockstep::cli
