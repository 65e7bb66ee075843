#pragma once

#include <vector>

#include "lockstep/nn/loss.hpp"
#include "run/loss_history.hpp"

namespace lockstep {

/// What a run remembers of its last steps and no checkpoint holds: a resumed run begins without it.
/// The same on every rank.
struct RecentSteps {
  double learning_rate = 0;  ///< of the last step
  LossHistory losses;
  std::vector<Metric> validation;  ///< after the last step; empty if no evaluation was due
  bool is_best = false;            ///< that validation was the best so far
  int failed_audits = 0;           ///< in a row

  /// The run went back to an earlier step.
  void rolled_back() {
    losses.clear();
    forget_validation();
  }
  /// Another step was done.
  void forget_validation() {
    validation.clear();
    is_best = false;
  }
};

}  // namespace lockstep
