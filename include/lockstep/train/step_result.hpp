#pragma once

#include <optional>
#include <vector>

#include "lockstep/data/sampler.hpp"
#include "lockstep/nn/loss.hpp"

namespace lockstep {

/// What one rank wants all ranks to know at the end of a step; true for all if true for one.
struct Votes {
  bool stop = false;
  bool save = false;
};

/// What all ranks know after a step, the same on each.
struct StepResult {
  BatchRange batch;
  MetricSums sums{};   ///< of the loss, over the global batch
  Index ignored = 0;   ///< labels of the batch that count nothing
  double counted = 0;  ///< samples that its means are over: the batch, but for ignored labels
  std::optional<double> gradient_norm;
  Votes votes;
  bool applied = true;  ///< false if the loss or the gradient was of no use: nothing was changed
  std::vector<int> changed;  ///< ranks whose state something else than an update had changed

  /// The mean over all that counts; 0 if nothing does.
  [[nodiscard]] double loss() const { return counted > 0 ? sums.loss() / counted : sums.loss(); }
  /// Of the loss of each sample, for the slope of the mean loss.
  [[nodiscard]] double weight() const { return counted > 0 ? 1 / counted : 0; }
};

}  // namespace lockstep
