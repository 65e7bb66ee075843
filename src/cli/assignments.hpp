#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "lockstep/config/parse.hpp"

namespace lockstep::cli {

/// Adds the option --set KEY=VALUE of commands that read a configuration.
void add_assignments(CLI::App& app, std::vector<std::string>& assignments);

/// The same for the parser of configurations.
[[nodiscard]] std::vector<config::Override> overrides_of(
    const std::vector<std::string>& assignments);

}  // namespace lockstep::cli
