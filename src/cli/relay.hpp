#pragma once

#include <array>
#include <iosfwd>

#include "cli/launch/child_process.hpp"

namespace lockstep::cli {

/// Hands on what a child writes, so that whoever reads this program's output and is slow or gone
/// neither holds up nor ends the child.
class Relay {
 public:
  /// Errors: system.
  Relay(std::ostream& out, std::ostream& err);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  /// Where the child is to write; closed here once it was started.
  [[nodiscard]] ChildOutput ends() const;
  void close_ends();

  /// As StopSignals::next, while output is handed on.
  int next(StopSignals& signals, double seconds);
  /// Hands on what is left in the pipes.
  void drain();

 private:
  struct Way {
    std::ostream& to;
    int read_end = -1;
    int write_end = -1;
  };
  static bool hand_on(Way& way);
  [[nodiscard]] bool is_behind() const;

  std::array<Way, 2> ways_;
};

}  // namespace lockstep::cli
