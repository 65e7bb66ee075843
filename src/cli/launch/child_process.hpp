#pragma once

#include <signal.h>

#include <limits>
#include <string>
#include <vector>

namespace lockstep::cli {

/// Holds back the signals that ask for a stop, for its life: they end nothing, but can be asked
/// for. For processes of one thread.
class StopSignals {
 public:
  /// `also`: others to be held back and told by `next`.
  explicit StopSignals(std::vector<int> stop = {SIGINT, SIGTERM},
                       const std::vector<int>& also = {});
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The first stop signal that came, or 0.
  [[nodiscard]] int received();
  /// Sleeps until a signal comes or the time is over, and returns the signal or 0. SIGCHLD says
  /// that a child has changed its state.
  int next(double seconds);
  [[nodiscard]] const sigset_t& held() const { return held_; }
  /// What was blocked before, for children.
  [[nodiscard]] const sigset_t& mask_before() const { return before_; }

 private:
  std::vector<int> stop_;
  sigset_t held_{};
  sigset_t before_{};
  int received_ = 0;
};

/// How a program ended.
struct ChildResult {
  int code = 0;  ///< exit code; 128 + signal, as a shell says it
  std::string out;
  std::string err;
};

/// Where a child writes.
struct ChildOutput {
  int out;
  int err;
};

/// Starts the program arguments[0] without a shell or input, in a process group of its own, so that
/// Ctrl-C at the terminal reaches this process alone. If this process dies it is told to end by
/// SIGTERM. It ignores SIGUSR1 until it takes it itself: one that comes early is lost, not deadly.
/// Errors: Error(system) if no process can be made.
[[nodiscard]] pid_t start_child(const std::vector<std::string>& arguments,
                                const StopSignals& signals, const ChildOutput& output);

/// The exit code of a child whose status waitpid has told; 128 + signal, as a shell says it.
[[nodiscard]] int exit_code(int status);

/// Runs the program arguments[0] to its end, as `start_child` does. When a stop signal comes, or
/// after `limit` seconds, it is told to end by SIGTERM and waited for.
/// Errors: Error(system) if no process can be made.
[[nodiscard]] ChildResult run_child(const std::vector<std::string>& arguments, StopSignals& signals,
                                    double limit = std::numeric_limits<double>::infinity());

/// From now on descendants whose parent dies become children of this process, instead of nobody's.
void adopt_orphans();
/// The processes whose parent is `of` and that have not ended.
[[nodiscard]] std::vector<pid_t> living_children(pid_t of);
/// Kills all children, and theirs if orphans are adopted; returns when none is left.
void kill_children();

/// The file that a shell would run for `name`: a path, or looked up on PATH; empty if there is
/// none that can be run.
[[nodiscard]] std::string find_program(const std::string& name);

}  // namespace lockstep::cli
