#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/comm/shared_memory.hpp"

namespace lockstep {

/// Time asleep, and the rank of the node that came last.
struct Wait {
  double seconds = 0;
  int rank = 0;
};

/// Barriers among the ranks of one node, by number: gates, each of which opens when all ranks have
/// arrived at it, again and again. Whoever waits sleeps in the kernel and costs nothing: ranks may
/// be many more than cores; while messages may be under way, with naps in between (see Traffic).
/// Everything written before arriving can be read by everyone once the gate is open.
///
/// A rank may arrive at a gate for the next round only after all have seen it open for this one;
/// any later gate or barrier of the same round makes sure of that.
class NodeBarriers {
 public:
  /// Collective over `all`, of whose ranks `node` holds those of one node.
  NodeBarriers(const Communicator& all, const Communicator& node, int gates);
  ~NodeBarriers();

  /// Never waits.
  void arrive(int gate);
  /// True if all have arrived as often as this rank.
  [[nodiscard]] bool is_open(int gate) const;
  /// Sleeps until the gate is open, but not much longer than `seconds` if given; returns nothing if
  /// it is not open then.
  /// Errors: Error(system) if a rank of the node has ended: it cannot arrive any more.
  std::optional<Wait> wait(int gate, std::optional<double> seconds = std::nullopt);
  /// Arrives and waits; no message of this rank may be open.
  Wait arrive_and_wait(int gate);

 private:
  struct Gate;
  struct Life;

  [[nodiscard]] Gate& gate(int index) const;
  [[nodiscard]] Life& life(int rank) const;
  void check_now_and_then(int index);

  const Communicator& node_;
  bool whole_;  ///< the node is the whole job
  Heartbeat heartbeat_;
  std::unique_ptr<SharedMemory> memory_;
  std::vector<std::uint32_t> rounds_;  ///< how often this rank arrived at each gate
  double last_check_ = 0;              ///< when it last looked whether all ranks live
};

}  // namespace lockstep
