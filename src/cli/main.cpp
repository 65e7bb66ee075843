#include <csignal>
#include <iostream>

#include "cli/program.hpp"
#include "lockstep/base/floating_point.hpp"

int main(int argc, char** argv) {
  lockstep::set_floating_point_mode();
  // Both would kill the process before a failed write can be reported.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  return static_cast<int>(lockstep::cli::run_program({argv, argv + argc}, std::cout, std::cerr));
}
