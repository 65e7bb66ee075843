#pragma once

#include <cstddef>

namespace lockstep {

/// What this process may still owe to messages, and so how it may sleep. The rule, to which
/// whatever waits for other ranks refers:
///
/// **No rank sleeps outside MPI while a message it takes part in can still need it.**
///
/// MPI moves messages only inside its calls, and a rank can be needed even when all of its own
/// calls have returned: a receiver that has its message may still have to tell the sender so, and
/// with many of them under way Open MPI leaves that to some later call. If that rank sleeps instead
/// until all others have come, of which the sender is one, nobody ever wakes up.
///
/// Three things see to it:
///
/// 1. There is one sleep that lasts until other ranks come, that of NodeBarriers, and it asks here.
///    While anything may be under way it is cut into naps, after each of which MPI works (`drive`).
///    So every rank is within MPI, or computes and writes what ends by itself, or is back in MPI
///    before long, and each message gets on.
/// 2. When all ranks of the job have met, none with a message open, nothing is under way:
///    whatever needs a rank is an open message of another (`settle`). Until the next call of MPI
///    (`stir`) sleep needs no naps. A job of one node sends no messages in its steps, so that its
///    ranks sleep without them.
/// 3. Inside a node what is large goes through shared memory; between nodes, who takes part in an
///    exchange leaves it when its own part is complete, and then meets its node.
class Traffic {
 public:
  static constexpr double kShortestNap = 2e-4;
  static constexpr double kLongestNap = 0.05;

  /// A call of MPI in which other ranks take part: from now on, this one may be needed.
  void stir() { quiet_ = false; }
  /// A message was begun.
  void open() {
    quiet_ = false;
    ++open_;
  }
  /// So many of them are complete.
  void close(std::size_t messages);
  /// Messages begun and not complete.
  [[nodiscard]] std::size_t open_messages() const { return open_; }

  /// All ranks of the job have met since the last call of MPI of each. Requires that no message is
  /// open.
  void settle();
  [[nodiscard]] bool quiet() const { return quiet_; }

  /// How long a rank may sleep at a time that has waited for `waited` seconds: no longer than that,
  /// so that at most half of the time in which it is needed is lost. Without bound if all is quiet.
  [[nodiscard]] double longest_sleep(double waited) const;
  /// Lets MPI work on whatever is under way; nothing if all is quiet.
  void drive() const;

 private:
  std::size_t open_ = 0;
  bool quiet_ = false;
};

}  // namespace lockstep
