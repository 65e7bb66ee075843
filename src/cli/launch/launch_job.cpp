#include "cli/launch/launch_job.hpp"

#include <fmt/format.h>
#include <string.h>
#include <sys/wait.h>

#include <algorithm>
#include <ostream>
#include <string>

#include "cli/launch/mpirun.hpp"
#include "cli/relay.hpp"
#include "lockstep/base/clock.hpp"

namespace lockstep::cli {
namespace {

/// Between two requests to stop.
constexpr double kAskAgain = 1;
/// After which a launcher that was told to end is killed.
constexpr int kPatience = 5;

/// Open MPI's mpirun can forget a rank that is killed while it starts, and then waits for ever,
/// though none is left; or for minutes, to end the ranks of a machine that was cut off while it had
/// something to say to it. This looks after it. Ranks end together: if those of this machine are
/// gone, so are all others that it can reach.
class Forgotten {
 public:
  Forgotten(pid_t job, bool all_here) : job_(job), all_here_(all_here) {}

  /// Seconds to the next look: soon at first, to see the ranks before they can be gone.
  [[nodiscard]] double pause() const { return std::min(0.5 * (1 << std::min(looks_, 4)), kLook); }
  /// True once the job has waited for nothing.
  bool look() {
    ++looks_;
    const double now = now_seconds();
    if (std::ranges::any_of(living_children(job_), [this](pid_t pid) { return is_rank(pid); })) {
      had_ranks_ = true;
      alone_since_ = now;
    }
    if (!had_ranks_ && !all_here_) return false;  // it may have none here
    return now - alone_since_ > (had_ranks_ ? kWithout : kBefore);
  }

 private:
  static constexpr double kLook = 4;
  static constexpr double kWithout = 8;  ///< mpirun ends within a second of its last rank
  static constexpr double kBefore = 120;

  // Beside ranks, mpirun has a child for each other machine.
  [[nodiscard]] bool is_rank(pid_t child) const {
    return all_here_ || program_of(std::to_string(child)) == program_of("self");
  }

  pid_t job_;
  bool all_here_;
  int looks_ = 0;
  bool had_ranks_ = false;
  double alone_since_ = now_seconds();
};

/// True once `job` has ended; takes note of all others that have.
bool reap(pid_t job, int& status) {
  int ended_status = 0;
  for (pid_t ended = 0; (ended = ::waitpid(-1, &ended_status, WNOHANG)) > 0;) {
    if (ended != job) continue;
    status = ended_status;
    return true;
  }
  return false;
}

/// The terminal stops this process only.
void suspend(pid_t job) {
  ::kill(job, SIGTSTP);
  ::raise(SIGSTOP);
  ::kill(job, SIGCONT);
}

}  // namespace

std::vector<int> launch_signals() {
  std::vector<int> stop = {SIGINT, SIGTERM, SIGUSR1};
  struct sigaction inherited {};
  ::sigaction(SIGHUP, nullptr, &inherited);
  if (inherited.sa_handler != SIG_IGN) stop.push_back(SIGHUP);
  return stop;
}

JobEnd run_job(const std::vector<std::string>& line, StopSignals& signals, std::ostream& out,
               std::ostream& err, bool all_here) {
  adopt_orphans();
  Relay relay(out, err);
  const pid_t job = start_child(line, signals, relay.ends());
  relay.close_ends();
  Forgotten forgotten(job, all_here);
  JobEnd end;
  int status = 0;
  bool asked = false;
  int interrupts = 0;
  int told_to_end = 0;
  while (!reap(job, status)) {
    const int signal = relay.next(signals, asked ? kAskAgain : forgotten.pause());
    if (signal == SIGCHLD) continue;
    if (signal == 0 && forgotten.look()) {
      err << fmt::format("launch mpirun waits, though none of its ranks{} is left: killed\n",
                         all_here ? "" : " on this machine")
          << std::flush;
      ::kill(job, SIGKILL);
      continue;
    }
    if (signal == SIGTSTP) {
      suspend(job);
      continue;
    }
    if (signal == SIGINT) ++interrupts;
    if (signal == 0 && !asked) continue;
    end.at_once = interrupts > 1;
    if (end.at_once) {
      ::kill(job, told_to_end++ < kPatience ? SIGTERM : SIGKILL);
    } else {
      if (!asked) {
        err << fmt::format("launch SIG{}: the ranks save and leave; Ctrl-C {} ends them at once\n",
                           ::sigabbrev_np(signal), signal == SIGINT ? "again" : "twice")
            << std::flush;
      }
      asked = true;
      ::kill(job, SIGUSR1);
    }
  }
  kill_children();
  relay.drain();
  if (WIFSIGNALED(status)) remove_leftovers(job);
  end.code = exit_code(status);
  return end;
}

}  // namespace lockstep::cli
