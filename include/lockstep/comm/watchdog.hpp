#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lockstep/comm/pulse_table.hpp"

namespace lockstep {

/// How long a rank may make no progress, in seconds.
struct WatchdogLimits {
  double step =
      600;  ///< within a step or an evaluation, or stopped by a signal; 0: for ever, always
  double slow = 3600;  ///< while it reads data, starts, ends, or writes records; at least `step`
  double save = 600;   ///< while it saves, piece by piece; at least `step`, at most `slow`
  double grace = 2;    ///< how much longer if all ranks of a machine wait: others may speak first

  [[nodiscard]] double of(Phase phase) const;
};

/// Finds ranks of this machine that hang, and those that a signal or a debugger has stopped.
///
/// A thread on each rank wakes some times within a limit and looks which pulses have changed. Time
/// counts only while the thread itself runs: whoever was suspended as a whole (SIGTSTP to the
/// launcher, a closed lid) finds nobody guilty of it. It makes no MPI calls.
///
/// A rank is to blame if its own watchdog has stood still for limits.step: its process is stopped.
/// Or if it has not moved for the limit of its phase while it does not wait for others. If all
/// ranks of the machine wait, the fault is on another one, whose ranks speak first.
class Watchdog {
 public:
  /// Told once, on the thread, in one sentence without its full stop: who, where, since when.
  using Alarm = std::function<void(const std::string&)>;

  /// `pulse_table` must outlive it. The limits hold until others are set.
  Watchdog(const PulseTable& pulse_table, Alarm alarm, WatchdogLimits limits = {});
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void set_limits(WatchdogLimits limits);

 private:
  /// What is known of one rank of this machine.
  struct Seen {
    std::uint64_t beats = 0;
    std::uint64_t ticks = 0;
    double silent = 0;   ///< seconds without a beat
    double stopped = 0;  ///< seconds without a tick
  };

  void watch();
  [[nodiscard]] double period() const;
  void look(double seconds);
  [[nodiscard]] int to_blame() const;
  [[nodiscard]] double limit_of_waiting(Phase phase) const;
  [[nodiscard]] bool speaks() const;
  [[nodiscard]] std::string sentence(int local) const;

  const PulseTable& pulse_table_;
  Alarm alarm_;
  WatchdogLimits limits_;
  std::string host_;
  std::vector<Seen> seen_;
  double found_ = 0;  ///< seconds since somebody was to blame
  std::mutex mutex_;
  std::condition_variable changed_;
  bool new_limits_ = false;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace lockstep
