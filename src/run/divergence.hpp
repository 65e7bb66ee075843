#pragma once

#include <cstdint>
#include <string>

#include "lockstep/config/config.hpp"
#include "lockstep/run/progress.hpp"
#include "run/loss_history.hpp"

namespace lockstep {

/// A step whose loss or gradient is of no use.
struct Divergence {
  std::uint64_t step = 0;
  double loss = 0;           ///< mean over the batch
  double loss_limit = 0;     ///< above it, the loss is a spike
  double usual_loss = 0;     ///< before
  double learning_rate = 0;  ///< of this step
  double base_rate = 0;      ///< optimizer.lr
  bool updated = false;      ///< loss and gradient were finite, what the update made of them is not
};

/// For people: what happened, how it came, what to do.
[[nodiscard]] std::string describe(const Divergence& divergence, const LossHistory& before);

enum class Remedy { stop, skip, roll_back };

/// What the policy wants done about the next useless step of a run. The same on all ranks, for it
/// depends on nothing else.
[[nodiscard]] Remedy remedy_for(const config::Divergence& policy, const Progress& progress);

}  // namespace lockstep
