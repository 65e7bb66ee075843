#pragma once

#include "lockstep/base/types.hpp"

namespace lockstep {

/// Bytes that a training takes.
struct MemoryUse {
  Index activations = 0;  ///< of one rank, with their gradients and what layers save
  Index gradients = 0;    ///< of one rank
  Index parameters = 0;   ///< once per node; twice with an average of the weights
  Index optimizer = 0;    ///< of one rank: the state of what it owns
  Index data = 0;         ///< once per node
  Index node = 0;  ///< all that the ranks of the fullest node take, programs and libraries too
  Index most = 0;  ///< that, while they started or while a checkpoint is written
};

/// Bytes of memory that this process has; what it shares with others is shared out among them.
/// Zero if the system does not tell.
struct ProcessMemory {
  Index now = 0;
  Index most = 0;  ///< since it was started
};
[[nodiscard]] ProcessMemory process_memory();

}  // namespace lockstep
