#pragma once

#include "lockstep/base/types.hpp"

namespace lockstep {

/// Bytes that the state of a training takes, beside the data and the optimizer's state.
struct MemoryUse {
  Index activations = 0;  ///< of one rank, with their gradients and what layers save
  Index gradients = 0;    ///< of one rank
  Index parameters = 0;   ///< once per node; twice with an average of the weights
};

}  // namespace lockstep
