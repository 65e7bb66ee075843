#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "lockstep/base/error.hpp"

namespace lockstep::cli {

/// The whole program but for `main`: reads the command line, runs the command, prints what went
/// wrong. `arguments[0]` is the name of the program.
ExitCode run_program(const std::vector<std::string>& arguments, std::ostream& out,
                     std::ostream& err);

}  // namespace lockstep::cli
