#pragma once

#include <CLI/CLI.hpp>

#include "lockstep/comm/agreement.hpp"

namespace lockstep::cli {

/// What a command line says, after it was read: the command, each option that was given with its
/// values; and which program reads it.
[[nodiscard]] Facts facts_of(const CLI::App& app);

}  // namespace lockstep::cli
