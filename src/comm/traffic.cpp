#include "lockstep/comm/traffic.hpp"

#include <mpi.h>

#include <algorithm>
#include <cassert>
#include <limits>

namespace lockstep {

void Traffic::close(std::size_t messages) {
  assert(messages <= open_);
  open_ -= messages;
}

void Traffic::settle() {
  assert(open_ == 0 && "a rank meets the others with a message open");
  quiet_ = true;
}

double Traffic::longest_sleep(double waited) const {
  if (quiet_) return std::numeric_limits<double>::infinity();
  return std::clamp(waited, kShortestNap, kLongestNap);
}

// Asks for what cannot be there: a message that is found would end the call at once.
void Traffic::drive() const {
  if (quiet_) return;
  int found = 0;
  MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_SELF, &found, MPI_STATUS_IGNORE);
}

}  // namespace lockstep
