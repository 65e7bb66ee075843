#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "lockstep/comm/launcher.hpp"

namespace lockstep {

/// Ends a process that waits too long for others before a watchdog can look after it: while MPI
/// starts and ranks meet for the first time. Closed ports between machines, a rank that never
/// starts MPI or hangs on its way would otherwise be waited for in silence, for ever.
///
/// A thread without MPI calls says after a fifth of the limit what is waited for, with the
/// addresses that do not answer, and ends the process after all of it, with exit code 71, which
/// ends the job. Those to whom no address fails to answer let the others speak first. Time during
/// which the process is suspended does not count.
///
/// The limit is 300 s, several times what the slowest starts took that were seen (64 ranks on 2
/// busy cores: 11 s); the variable LOCKSTEP_START_LIMIT gives another number of seconds, 0 for
/// none.
/// Errors: Error(usage) if it is no such number.
class StartLimit {
 public:
  /// `what` is waited for from now on: "MPI to start".
  explicit StartLimit(std::string what);
  ~StartLimit();
  StartLimit(const StartLimit&) = delete;
  StartLimit& operator=(const StartLimit&) = delete;

 private:
  void watch(double limit, const Launch& launch);
  /// Sleeps for so long while this process runs; false if the wait is over.
  [[nodiscard]] bool passes(double seconds);

  std::string what_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace lockstep
