#pragma once

#include <stdexcept>
#include <string>

namespace lockstep {

/// How the program leaves: the codes of sysexits.h where one fits. Every rank leaves with the same
/// code.
enum class ExitCode : int {
  ok = 0,
  usage = 64,          ///< bad command line
  bad_data = 65,       ///< data set or checkpoint malformed, digest wrong
  no_input = 66,       ///< input file missing or unreadable
  unavailable = 69,    ///< feature not built in
  internal = 70,       ///< a bug of ours
  system = 71,         ///< MPI or operating system failure, wrong launcher, not enough memory
  cannot_create = 73,  ///< output cannot be created
  io = 74,             ///< write failed
  interrupted = 75,    ///< stopped by a signal or a time limit, with everything saved
  no_permission = 77,
  config = 78,       ///< configuration file error
  diverged = 80,     ///< loss or gradient not finite
  desync = 81,       ///< replicas differ
  stalled = 82,      ///< a rank made no progress for longer than the watchdog allows
  by_sigint = 130,   ///< stopped at once by a second Ctrl-C, or where there is nothing to resume
  by_sigterm = 143,  ///< likewise
};

/// Wrong input or a failed system call. The message says what, where, expected, found and the
/// remedy; `main` prints it once and leaves with `code()`.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  [[nodiscard]] ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

}  // namespace lockstep
