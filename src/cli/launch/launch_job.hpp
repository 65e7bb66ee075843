#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/launch/child_process.hpp"

namespace lockstep::cli {

/// How a job of ranks ended.
struct JobEnd {
  int code = 0;          ///< of mpirun or srun; 128 + signal, as a shell says it
  bool at_once = false;  ///< by a second Ctrl-C
};

/// The signals that ask a launcher for a stop. SIGHUP is one, unless whoever started it said that a
/// lost terminal is to be ignored, as nohup does.
[[nodiscard]] std::vector<int> launch_signals();

/// Runs mpirun or srun to its end and hands on what it writes to `out` and `err`. A stop signal
/// becomes SIGUSR1, upon which the ranks save and leave, and which is sent again until they have:
/// none may be there yet. A second Ctrl-C ends the ranks at once. Ctrl-Z suspends them, too. When
/// it returns no process of the job is left on this machine; the job ends at once if this process
/// is killed. A launcher that waits though its ranks on this machine are gone is killed, also if it
/// had none within two minutes and `all_here` says that all are to be here.
[[nodiscard]] JobEnd run_job(const std::vector<std::string>& line, StopSignals& signals,
                             std::ostream& out, std::ostream& err, bool all_here);

}  // namespace lockstep::cli
