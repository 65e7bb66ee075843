#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <ostream>

#include "cli/crash.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "lockstep/base/floating_point.hpp"

namespace {

/// Whoever started the program may have closed them. The next file that is opened, a checkpoint or
/// a connection, would take the number, and be written to as the terminal.
void require_standard_streams() {
  for (int number = 0; number <= 2; ++number) {
    if (::fcntl(number, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
  }
}

}  // namespace

int main(int argc, char** argv) {
  lockstep::cli::catch_crashes();
  require_standard_streams();
  lockstep::set_floating_point_mode();
  // Both would kill the process before a failed write can be reported.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  lockstep::cli::OutputBuffer shown(STDOUT_FILENO);
  lockstep::cli::OutputBuffer told(STDERR_FILENO);
  std::ostream out(&shown);
  std::ostream err(&told);
  const auto code = lockstep::cli::run_program({argv, argv + argc}, out, err);
  shown.finish();
  told.finish();
  return static_cast<int>(code);
}
