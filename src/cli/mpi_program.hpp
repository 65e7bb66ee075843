#pragma once

#include <functional>
#include <iosfwd>

#include "lockstep/base/error.hpp"
#include "lockstep/comm/agreement.hpp"

namespace lockstep::cli {

/// Runs `work` on all ranks from the start of MPI to its end, if all were told the same, and
/// returns the exit code. An error that all ranks threw together is printed once and every rank
/// leaves in good order; one that a rank threw alone ends the job at once, because the others wait
/// for that rank.
ExitCode run_on_ranks(const Facts& told, const std::function<ExitCode(const Communicator&)>& work,
                      std::ostream& err);

}  // namespace lockstep::cli
