#pragma once

#include <signal.h>

#include <string>
#include <vector>

namespace lockstep::cli {

/// Holds back SIGINT and SIGTERM for its life: they end nothing, but can be asked for. For
/// processes of one thread.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The first of them that came, or 0.
  [[nodiscard]] int received();
  /// Sleeps until one comes, a child changes its state, or the time is over.
  void wait(double seconds);
  /// What was blocked before, for children.
  [[nodiscard]] const sigset_t& mask_before() const { return before_; }

 private:
  sigset_t before_{};
  int received_ = 0;
};

/// How a program ended.
struct ChildResult {
  int code = 0;  ///< exit code; 128 + signal, as a shell says it
  std::string out;
  std::string err;
};

/// Runs the program arguments[0] to its end, without a shell, input or terminal. When a stop signal
/// comes it is told to end by SIGTERM and waited for; so it is if this process dies.
/// Errors: Error(system) if no process can be made.
[[nodiscard]] ChildResult run_child(const std::vector<std::string>& arguments,
                                    StopSignals& signals);

/// The file that a shell would run for `name`: a path, or looked up on PATH; empty if there is
/// none that can be run.
[[nodiscard]] std::string find_program(const std::string& name);

}  // namespace lockstep::cli
