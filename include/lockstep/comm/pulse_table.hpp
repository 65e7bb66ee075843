#pragma once

#include <vector>

#include "lockstep/comm/heartbeat.hpp"
#include "lockstep/comm/shared_memory.hpp"

namespace lockstep {

/// The pulse records of all ranks of one machine, whatever nodes it is split into.
class PulseTable {
 public:
  /// Collective over `ranks`, of which `machine` holds those of this machine.
  PulseTable(const Communicator& ranks, const Communicator& machine);

  /// Of this machine.
  [[nodiscard]] int size() const { return static_cast<int>(ranks_.size()); }
  [[nodiscard]] const PulseRecord& pulse(int local) const {
    return *memory_.segment_of<PulseRecord>(local).data();
  }
  /// The number in the job of a rank of this machine.
  [[nodiscard]] int rank(int local) const { return ranks_[static_cast<std::size_t>(local)]; }
  /// Tells the ranks of this machine that the job has ended and why was said.
  void end_all() const;
  [[nodiscard]] int my_place() const { return me_; }
  [[nodiscard]] Heartbeat mine() const {
    return Heartbeat(*memory_.segment_of<PulseRecord>(me_).data());
  }
  /// True if the job has ranks on other machines.
  [[nodiscard]] bool has_others() const { return others_; }

 private:
  int me_;
  bool others_;
  SharedMemory memory_;
  std::vector<int> ranks_;
};

}  // namespace lockstep
