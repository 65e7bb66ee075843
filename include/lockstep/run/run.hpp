#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/run/events.hpp"

namespace lockstep {

/// What `trainer train` was asked to do; the same on every rank, as the command line of an MPI job
/// is.
struct RunRequest {
  std::string config_file;
  std::vector<config::Override> overrides;
  std::string run_directory;               ///< empty: runs/NAME, or runs/NAME-2, ... if taken
  std::string resume;                      ///< empty, "auto", or a checkpoint file
  std::optional<std::uint64_t> max_steps;  ///< stop after this many steps of this segment
  std::optional<double> max_seconds;       ///< stop so long after `started`
  std::optional<double> started;           ///< by `now_seconds`; without: when `train` was called
  std::vector<int> ranks_per_node;         ///< split machines into nodes of so many ranks
  bool dry_run = false;                    ///< check everything, tell on_start, and leave
  std::vector<std::string> command_line;
};

/// Trains as the configuration says, from the start or from a checkpoint. Collective.
/// Returns ok, or interrupted after a complete checkpoint; throws AgreedError on all ranks
/// otherwise. `observer` is told on rank 0 only.
ExitCode train(const Communicator& world, const RunRequest& request, Observer& observer);

}  // namespace lockstep
