#include "cli/launch/launch_session.hpp"

#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <utility>

#include "cli/host_answer.hpp"
#include "cli/launch/mpirun.hpp"
#include "cli/text.hpp"
#include "cli/train_options.hpp"
#include "lockstep/base/clock.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/run/checkpoint_store.hpp"
#include "lockstep/run/run_directory.hpp"

namespace lockstep::cli {
namespace {

namespace fs = std::filesystem;

int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::atoi(text);
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + shell_quoted(word);
  return line;
}

/// "exit code 82"; "SIGKILL" of 137.
std::string end_text(int code) {
  const char* signal = code > 128 ? ::sigabbrev_np(code - 128) : nullptr;
  return signal == nullptr ? fmt::format("exit code {}", code) : fmt::format("SIG{}", signal);
}

/// What the next start begins with.
std::string origin_text(const RunRecord& record) {
  return record.checkpoint ? fmt::format("the checkpoint of step {}", thousands(*record.checkpoint))
                           : "the beginning";
}

}  // namespace

LaunchSession::LaunchSession(LaunchOrder order, std::ostream& out, std::ostream& err)
    : order_(std::move(order)), out_(out), err_(err) {
  const bool may_use_srun = order_.mpirun.empty() && order_.resources.hosts.empty() &&
                            std::getenv("SLURM_JOB_ID") != nullptr;
  if (may_use_srun) mpirun_ = find_program("srun");
  in_slurm_ = !mpirun_.empty();
  if (!in_slurm_) mpirun_ = find_mpirun(order_.mpirun.empty() ? "mpirun" : order_.mpirun);
  placement_ = in_slurm_ ? place_in_slurm(order_.resources, number_in("SLURM_NTASKS"),
                                          number_in("SLURM_CPUS_PER_TASK"))
                         : place(order_.resources);
}

std::vector<std::string> LaunchSession::launcher() const {
  std::vector<std::string> words = in_slurm_ ? srun_words(mpirun_, placement_)
                                             : mpirun_words(mpirun_, placement_, order_.resources);
  words.push_back(this_program());
  return words;
}

std::vector<std::string> LaunchSession::first_start() const {
  std::vector<std::string> line = launcher();
  line.insert(line.end(), order_.words.begin(), order_.words.end());
  if (order_.train.run_directory.empty() && !directory_.empty()) {
    line.insert(line.end(), {"--run-dir", directory_.string()});
  }
  if (order_.resources.threads == 0) {
    line.insert(line.end(), {"--threads", std::to_string(placement_.threads)});
  }
  return line;
}

std::vector<std::string> LaunchSession::next_start(const RunRecord& record) const {
  std::vector<std::string> line = launcher();
  const std::vector<std::string> words =
      without_options(order_.words, {"--run-dir", "--resume", "--max-time", "--max-steps"});
  line.insert(line.end(), words.begin(), words.end());
  line.insert(line.end(), {"--run-dir", directory_.string(), "--resume"});
  // From the file that was given as long as nothing newer is there.
  const bool first_file = !order_.train.resume.empty() && !record.checkpoint;
  line.push_back(first_file ? order_.train.resume : "auto");
  if (const auto seconds = seconds_left()) {
    line.insert(line.end(), {"--max-time", fmt::format("{:.3f}s", *seconds)});
  }
  if (const auto steps = steps_left(record)) {
    line.insert(line.end(), {"--max-steps", std::to_string(*steps)});
  }
  if (order_.resources.threads == 0) {
    line.insert(line.end(), {"--threads", std::to_string(placement_.threads)});
  }
  return line;
}

std::string LaunchSession::line() const { return shell_line(first_start()); }

void LaunchSession::announce(const std::vector<std::string>& start) const {
  err_ << fmt::format("launch {}\nlaunch {}\n", placement_.reason, shell_line(start)) << std::flush;
}

ExitCode LaunchSession::run() {
  if (!in_slurm_) {
    require_consent_as_root();
    prepare_for_mpirun(placement_.ranks);
  }
  const RunRequest& train = order_.train;
  StopSignals signals(launch_signals(), {SIGTSTP});
  if (train.dry_run) {
    announce(first_start());
    return static_cast<ExitCode>(
        run_job(first_start(), signals, out_, err_, on_this_machine()).code);
  }
  const bool chosen = train.run_directory.empty();
  directory_ = chosen ? choose_run_directory({}, order_.name, train.resume == "auto")
                      : fs::path(train.run_directory);
  const auto leave = [&] {  // a name that nothing came of is free again
    std::error_code not_empty;
    if (chosen) fs::remove(directory_, not_empty);
  };
  try {
    const ExitCode code = supervise(signals);
    leave();
    return code;
  } catch (...) {
    leave();
    throw;
  }
}

ExitCode LaunchSession::supervise(StopSignals& signals) {
  RunRecord before = read_record(directory_);
  first_step_ = first_step(before);
  std::vector<std::string> start = first_start();
  std::uint64_t reached = before.step;
  int futile = 0;
  for (bool again = false;; again = true) {
    announce(start);
    static_cast<void>(is_where_it_was());  // from now on it is known which one it is
    const JobEnd end = run_job(start, signals, out_, err_, on_this_machine());
    if (!is_where_it_was()) {
      // The ranks have said so, if they could.
      if (end.code == static_cast<int>(ExitCode::cannot_create)) return ExitCode::cannot_create;
      throw Error(ExitCode::cannot_create, Directory::lost(directory_, place_->fate()));
    }
    const RunRecord after = read_record(directory_);
    const int code = verdict(before, after, end.code);
    const bool began = again || after.is_newer_than(before);
    if (const auto last = last_code(end, code, again, began, signals)) return *last;
    if (after.step > reached) {
      futile = 0;
    } else if (again) {
      ++futile;
    }
    reached = std::max(reached, after.step);
    if (futile >= order_.max_restarts) throw gave_up(code, futile, reached, after);
    err_ << fmt::format("launch {} after step {}; again from {}\n", end_text(code),
                        thousands(after.step), origin_text(after))
         << std::flush;
    if (seconds_left() == 0.0 || steps_left(after) == std::uint64_t{0}) {
      return ExitCode::interrupted;
    }
    if (!pause(futile, signals) || !leave_out_what_was_lost(signals)) {
      err_ << "launch stopped between two starts; the same command goes on\n" << std::flush;
      return ExitCode::interrupted;
    }
    start = next_start(after);
    before = after;
  }
}

// With what the session ends, unless another start may do better.
std::optional<ExitCode> LaunchSession::last_code(const JobEnd& end, int code, bool again,
                                                 bool began, StopSignals& signals) const {
  if (end.at_once) return ExitCode::by_sigint;
  if (signals.received() != 0) {
    if (code == 128 + SIGUSR1) throw stopped_early(signals.received());
    return static_cast<ExitCode>(code);
  }
  // A file server may hold the lock of a machine that was lost for a while.
  const bool held = again && code == static_cast<int>(ExitCode::cannot_create);
  if (!may_do_better(code) && !held) return static_cast<ExitCode>(code);
  if (began) return {};
  if (is_launchers_own(end.code)) throw never_began(end.code);
  // The ranks have said what this machine lacks: it would lack it again.
  if (end.code == static_cast<int>(ExitCode::system)) return ExitCode::system;
  return {};
}

// Whether the path of the run still leads to its directory: what is at another's is not ours to go
// on with.
bool LaunchSession::is_where_it_was() {
  try {
    if (!place_) place_.emplace(directory_);
    return place_->fate().empty();
  } catch (const Error&) {  // not there yet, or not to be seen
    return true;
  }
}

// Steps done before this session.
std::uint64_t LaunchSession::first_step(const RunRecord& record) const {
  const RunRequest& train = order_.train;
  if (train.resume.empty() || !train.max_steps) return 0;
  if (train.resume == "auto") return record.checkpoint.value_or(0);
  return read_checkpoint(train.resume).sealed.step;
}

Error LaunchSession::never_began(int code) const {
  std::vector<std::string> start = first_start();
  std::erase(start, "-q");
  return {ExitCode::system,
          fmt::format("{} left with exit code {} before the run began; it says why with\n  {}",
                      fs::path(mpirun_).filename().string(), code, shell_line(start))};
}

// mpirun passes the signal on even to a rank that has only just been started and does not heed it
// yet, and dies of it. None can be further then: MPI_Init waits for all.
Error LaunchSession::stopped_early(int signal) {
  return {ExitCode::interrupted,
          fmt::format("stopped by SIG{} before the first step: nothing was to be saved, the same "
                      "command starts again",
                      ::sigabbrev_np(signal))};
}

Error LaunchSession::gave_up(int code, int futile, std::uint64_t reached,
                             const RunRecord& record) const {
  return {static_cast<ExitCode>(code),
          fmt::format("gave up: {} after step {}; {} without a new step\n  when the cause is gone, "
                      "go on from {} with: --run-dir {} --resume auto",
                      end_text(code), thousands(reached),
                      plural(static_cast<std::uint64_t>(futile), "restart"), origin_text(record),
                      directory_.string())};
}

bool LaunchSession::pause(double seconds, StopSignals& signals) {
  const double end = now_seconds() + seconds;
  while (signals.received() == 0 && now_seconds() < end) signals.next(end - now_seconds());
  return signals.received() == 0;
}

bool LaunchSession::leave_out_what_was_lost(StopSignals& signals) {
  if (in_slurm_) return true;  // Slurm itself ends and requeues a job that loses a node
  LaunchRequest& resources = order_.resources;
  const int slots = slots_of(resources);
  const std::vector<Host> hosts = std::exchange(resources.hosts, {});
  for (const Host& host : hosts) {
    const bool there = answers(host, signals);
    if (signals.received() != 0) return false;  // and the host was not heard out
    if (there) {
      resources.hosts.push_back(host);
    } else {
      err_ << fmt::format("launch {} does not answer: on without it\n", host.name) << std::flush;
    }
  }
  if (resources.hosts.size() < hosts.size() && resources.hosts.empty()) {
    throw Error(ExitCode::system, "none of the hosts answers");
  }
  resources.processors = find_processors();
  const int left = slots_of(resources);
  resources.ranks = ranks_that_fit(placement_.ranks, slots, left);
  if (resources.ranks < placement_.ranks) {
    err_ << fmt::format("launch {} of {} left: {} instead of {}\n", left,
                        plural(static_cast<std::uint64_t>(slots), "slot"),
                        plural(static_cast<std::uint64_t>(resources.ranks), "rank"),
                        placement_.ranks)
         << std::flush;
  }
  placement_ = place(resources);
  return true;
}

std::optional<double> LaunchSession::seconds_left() const {
  const RunRequest& train = order_.train;
  if (!train.max_seconds) return {};
  // The options of the command line have set when it began.
  return std::max(0.0, *train.max_seconds - (now_seconds() - train.started.value()));
}

std::optional<std::uint64_t> LaunchSession::steps_left(const RunRecord& record) const {
  if (!order_.train.max_steps) return {};
  const std::uint64_t done = std::max(record.checkpoint.value_or(0), first_step_) - first_step_;
  return *order_.train.max_steps - std::min(done, *order_.train.max_steps);
}

}  // namespace lockstep::cli
