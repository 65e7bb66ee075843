#pragma once

#include "cli/launch/child_process.hpp"
#include "cli/launch/launch_plan.hpp"

namespace lockstep::cli {

/// Whether mpirun could start something there, by the means that it would use: the remote shell of
/// OMPI_MCA_plm_rsh_agent, else ssh. It is given 15 s; a signal cuts that short.
[[nodiscard]] bool answers(const Host& host, StopSignals& signals);

}  // namespace lockstep::cli
