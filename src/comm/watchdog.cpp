#include "lockstep/comm/watchdog.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "lockstep/base/blocked_signals.hpp"
#include "lockstep/base/clock.hpp"
#include "lockstep/comm/environment.hpp"

namespace lockstep {
namespace {

/// Looks within a limit, and the rarest.
constexpr double kLooks = 10;
constexpr double kLongestPeriod = 1;
/// Looks after which a watchdog that does not tick is not waited for.
constexpr double kPatience = 3;

std::string seconds_text(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", seconds);
  return text.data();
}

}  // namespace

double WatchdogLimits::of(Phase phase) const {
  switch (phase) {
    case Phase::start:
    case Phase::data:
    case Phase::between:
    case Phase::end:
      return std::max(step, slow);
    case Phase::checkpoint:
      return std::clamp(save, step, std::max(step, slow));
    default:
      return step;
  }
}

Watchdog::Watchdog(const PulseTable& pulse_table, Alarm alarm, WatchdogLimits limits)
    : pulse_table_(pulse_table),
      alarm_(std::move(alarm)),
      limits_(limits),
      host_(node_name()),
      seen_(static_cast<std::size_t>(pulse_table.size())) {
  const BlockedSignals blocked;
  thread_ = std::thread([this] { watch(); });
}

Watchdog::~Watchdog() {
  pulse_table_.mine().enter(Phase::gone);
  {
    const std::scoped_lock lock(mutex_);
    done_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Watchdog::set_limits(WatchdogLimits limits) {
  {
    const std::scoped_lock lock(mutex_);
    limits_ = limits;
    new_limits_ = true;
  }
  changed_.notify_all();
}

double Watchdog::period() const {
  return limits_.step > 0 ? std::min(limits_.step / kLooks, kLongestPeriod) : kLongestPeriod;
}

void Watchdog::watch() {
  std::unique_lock lock(mutex_);
  double last = now_seconds();
  while (!done_) {
    changed_.wait_for(lock, std::chrono::duration<double>(period()),
                      [this] { return done_ || new_limits_; });
    new_limits_ = false;
    if (done_ || pulse_table_.mine().over()) return;
    const double now = now_seconds();
    // More than two periods: this process was suspended, or starved like its neighbours.
    look(std::min(now - last, 2 * period()));
    last = now;
    const int suspect = limits_.step > 0 ? to_blame() : -1;
    found_ = suspect >= 0 ? found_ + period() : 0;
    if (suspect < 0 || (!speaks() && found_ < limits_.grace)) continue;
    pulse_table_.end_all();
    alarm_(sentence(suspect));
    return;
  }
}

void Watchdog::look(double seconds) {
  pulse_table_.mine().tick();
  for (int local = 0; local < pulse_table_.size(); ++local) {
    const PulseRecord& pulse = pulse_table_.pulse(local);
    Seen& seen = seen_[static_cast<std::size_t>(local)];
    const std::uint64_t beats = pulse.beats.load(std::memory_order_relaxed);
    const std::uint64_t ticks = pulse.ticks.load(std::memory_order_relaxed);
    seen.silent = beats == seen.beats ? seen.silent + seconds : 0;
    seen.stopped = ticks == seen.ticks ? seen.stopped + seconds : 0;
    seen.beats = beats;
    seen.ticks = ticks;
  }
}

// The place of the rank that holds up the others; -1 if there is none.
int Watchdog::to_blame() const {
  int silent = -1;
  int waiting = 0;
  int here = 0;
  for (int local = 0; local < pulse_table_.size(); ++local) {
    const PulseRecord& pulse = pulse_table_.pulse(local);
    const Seen& seen = seen_[static_cast<std::size_t>(local)];
    const Phase phase = pulse.phase.load(std::memory_order_relaxed);
    if (phase == Phase::gone) continue;
    ++here;
    if (seen.stopped >= limits_.step) return local;
    const bool waits = pulse.waits.load(std::memory_order_relaxed) != 0;
    if (waits) {
      waiting += seen.silent >= limit_of_waiting(phase) ? 1 : 0;
    } else if (silent < 0 && seen.silent >= limits_.of(phase)) {
      silent = local;
    }
  }
  if (silent >= 0) return silent;
  return here > 0 && waiting == here ? pulse_table_.my_place() : -1;
}

// How long all ranks of a machine may wait. That a save gets on is seen where rank 0 is.
double Watchdog::limit_of_waiting(Phase phase) const {
  const bool saved_elsewhere = phase == Phase::checkpoint && pulse_table_.rank(0) != 0;
  return limits_.of(saved_elsewhere ? Phase::data : phase) + limits_.grace;
}

// One rank of a machine is enough: the first whose watchdog runs.
bool Watchdog::speaks() const {
  for (int local = 0; local < pulse_table_.my_place(); ++local) {
    const bool gone =
        pulse_table_.pulse(local).phase.load(std::memory_order_relaxed) == Phase::gone;
    const bool runs = seen_[static_cast<std::size_t>(local)].stopped < kPatience * period();
    if (runs && !gone) return false;
  }
  return true;
}

std::string Watchdog::sentence(int local) const {
  const PulseRecord& pulse = pulse_table_.pulse(local);
  const Seen& seen = seen_[static_cast<std::size_t>(local)];
  const std::uint64_t step = pulse.step.load(std::memory_order_relaxed);
  const int bucket = pulse.bucket.load(std::memory_order_relaxed);
  const auto phase = static_cast<std::size_t>(pulse.phase.load(std::memory_order_relaxed));
  const bool stopped = seen.stopped >= limits_.step;
  const bool waits = !stopped && pulse.waits.load(std::memory_order_relaxed) != 0;
  std::string where = step == 0 ? "before the first step" : "step " + std::to_string(step);
  where += ", " + std::string(kPhaseNames[phase]);
  if (bucket > 0) where += ", bucket " + std::to_string(bucket - 1);
  const std::string who = "rank " + std::to_string(pulse_table_.rank(local)) + " on " + host_;
  const std::string since = seconds_text(stopped ? seen.stopped : seen.silent);
  if (waits) {
    return who + " has waited for " + since + " (" + where + ") like all ranks there: " +
           (pulse_table_.has_others() ? "the silent one is on another machine"
                                      : "a message was lost");
  }
  return who + " has not moved for " + since + " (" + where +
         (stopped ? "): its process is stopped" : ")");
}

}  // namespace lockstep
