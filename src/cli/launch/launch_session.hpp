#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "cli/launch/child_process.hpp"
#include "cli/launch/launch_job.hpp"
#include "cli/launch/launch_plan.hpp"
#include "cli/launch/launch_verdict.hpp"
#include "lockstep/io/directory.hpp"
#include "lockstep/run/run.hpp"

namespace lockstep::cli {

/// A training to be started.
struct LaunchOrder {
  RunRequest train;
  std::vector<std::string> words;  ///< of the program, from "train" on
  std::string name;                ///< run.name
  LaunchRequest resources;
  std::string mpirun;    ///< empty: srun in Slurm, else mpirun from PATH
  int max_restarts = 3;  ///< in a row without a new step
};

/// A training from its first start to its last: started, watched, and started again from its newest
/// checkpoint after a failure. A plain process: it never starts MPI itself.
class LaunchSession {
 public:
  /// Errors: system without launcher; no_permission as root without consent.
  LaunchSession(LaunchOrder order, std::ostream& out, std::ostream& err);

  /// The command line of the first start, for a shell.
  [[nodiscard]] std::string line() const;

  /// Returns the exit code of the last start: what the run said in STATUS, or else what its
  /// launcher left with.
  /// Errors: the same code, with a message, if it gives up.
  ExitCode run();

 private:
  [[nodiscard]] ExitCode supervise(StopSignals& signals);
  [[nodiscard]] std::optional<ExitCode> last_code(const JobEnd& end, int code, bool again,
                                                  bool began, StopSignals& signals) const;
  [[nodiscard]] bool is_where_it_was();
  [[nodiscard]] std::uint64_t first_step(const RunRecord& record) const;
  [[nodiscard]] Error never_began(int code) const;
  [[nodiscard]] static Error stopped_early(int signal);
  [[nodiscard]] Error gave_up(int code, int futile, std::uint64_t reached,
                              const RunRecord& record) const;
  [[nodiscard]] std::vector<std::string> first_start() const;
  [[nodiscard]] std::vector<std::string> next_start(const RunRecord& record) const;
  [[nodiscard]] std::vector<std::string> launcher() const;
  void announce(const std::vector<std::string>& start) const;
  /// Waits; false if a stop was asked for meanwhile.
  [[nodiscard]] static bool pause(double seconds, StopSignals& signals);
  /// Fewer ranks than before, if machines or processors are no longer there.
  bool leave_out_what_was_lost(StopSignals& signals);
  [[nodiscard]] bool on_this_machine() const {
    return !in_slurm_ && order_.resources.hosts.empty();
  }
  /// What is left of --max-time and --max-steps; both can be over.
  [[nodiscard]] std::optional<double> seconds_left() const;
  [[nodiscard]] std::optional<std::uint64_t> steps_left(const RunRecord& record) const;

  LaunchOrder order_;
  std::ostream& out_;
  std::ostream& err_;
  std::string mpirun_;  ///< or srun's file
  bool in_slurm_ = false;
  Placement placement_;
  std::filesystem::path directory_{};
  std::optional<Directory> place_{};  ///< that directory, as soon as it is there
  std::uint64_t first_step_ = 0;      ///< done before the first start
};

}  // namespace lockstep::cli
