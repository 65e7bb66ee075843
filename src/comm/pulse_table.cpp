#include "lockstep/comm/pulse_table.hpp"

#include <new>

namespace lockstep {

PulseTable::PulseTable(const Communicator& ranks, const Communicator& machine)
    : me_(machine.rank()),
      others_(machine.size() < ranks.size()),
      memory_(ranks, machine, static_cast<Index>(sizeof(PulseRecord))) {
  new (memory_.segment(me_).data()) PulseRecord{};
  const auto mine = static_cast<double>(ranks.rank());
  std::vector<double> all(static_cast<std::size_t>(machine.size()));
  machine.all_gather({&mine, 1}, all);
  for (const double rank : all) ranks_.push_back(static_cast<int>(rank));
}

void PulseTable::end_all() const {
  for (int local = 0; local < size(); ++local) {
    memory_.segment_of<PulseRecord>(local).data()->over.store(1, std::memory_order_relaxed);
  }
}

}  // namespace lockstep
