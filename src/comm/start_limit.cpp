#include "lockstep/comm/start_limit.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

#include "comm/sockets.hpp"
#include "lockstep/base/blocked_signals.hpp"
#include "lockstep/base/clock.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/comm/launcher.hpp"

namespace lockstep {
namespace {

constexpr double kLimit = 300;
constexpr double kFirstWord = 0.2;  ///< of the limit
constexpr double kSlice = 0.5;
/// Seconds after which the job has ended if somebody else has spoken: first rank 0, if an address
/// does not answer it, then others for whom that is so, then rank 0.
constexpr double kGrace = 3;

double limit_from_environment() {
  const char* text = std::getenv("LOCKSTEP_START_LIMIT");
  if (text == nullptr) return kLimit;
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  if (end != text && *end == '\0' && seconds >= 0) return seconds;
  throw Error(ExitCode::usage, std::string("LOCKSTEP_START_LIMIT='") + text +
                                   "': expected a number of seconds, 0 for no limit");
}

std::string list(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string whole_seconds(double seconds) {
  return std::to_string(static_cast<long>(seconds + 0.5)) + " s";
}

/// Where the others are to be looked for.
std::string places_text(const Sockets& sockets) {
  if (!sockets.unanswered.empty()) {
    return "\n  no answer from " + list(sockets.unanswered) +
           ": are ports closed between the machines, or is this an address that they do not share? "
           "try: mpirun --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0 ...";
  }
  return "\n  it listens on " + list(sockets.listening) + " (" + list(addresses_of_this_machine()) +
         "); a rank that did not start, or that cannot reach it, is waited for";
}

// The process may be stuck anywhere: nothing but a system call.
void say(const std::string& text) {
  static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

}  // namespace

StartLimit::StartLimit(std::string what) : what_(std::move(what)) {
  const double limit = limit_from_environment();
  // Asked now: while MPI starts it may change the environment.
  const Launch launch = launch_of_this_process();
  if (limit == 0 || launch.alone) return;
  const BlockedSignals blocked;
  thread_ = std::thread([this, limit, launch] { watch(limit, launch); });
}

StartLimit::~StartLimit() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void StartLimit::watch(double limit, const Launch& launch) {
  const std::string who = "rank " + std::to_string(launch.rank) + " of " +
                          std::to_string(launch.ranks) + " on " + host_name() + " has waited ";
  if (!passes(kFirstWord * limit)) return;
  Sockets sockets = sockets_of_this_process();
  if (launch.rank == 0 || !sockets.unanswered.empty()) {
    say("trainer: warning: " + who + whole_seconds(kFirstWord * limit) + " for " + what_ +
        ", and does so for " + whole_seconds(limit) + " at most" + places_text(sockets) + "\n");
  }
  if (!passes((1 - kFirstWord) * limit)) return;
  sockets = sockets_of_this_process();
  if (!passes(kGrace * ((sockets.unanswered.empty() ? 2 : 0) + (launch.rank == 0 ? 0 : 1)))) return;
  say("trainer: error: " + who + whole_seconds(limit) + " for " + what_ +
      "; LOCKSTEP_START_LIMIT ends the job" + places_text(sockets) + "\n");
  ::_exit(static_cast<int>(ExitCode::system));
}

bool StartLimit::passes(double seconds) {
  std::unique_lock lock(mutex_);
  for (double left = seconds; left > 0;) {
    const double slice = std::min(left, kSlice);
    const double begin = now_seconds();
    if (changed_.wait_for(lock, std::chrono::duration<double>(slice), [this] { return over_; })) {
      return false;
    }
    // More than two slices: this process was suspended.
    left -= std::min(now_seconds() - begin, 2 * slice);
  }
  return true;
}

}  // namespace lockstep
