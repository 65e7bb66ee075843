#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/nn/loss.hpp"
#include "lockstep/run/events.hpp"

namespace lockstep {

/// One column of the history of a run: "step", "epoch", "train_loss", "val_acc", ...
struct HistoryColumn {
  std::string name;
  std::vector<double> values;
};

/// How long a figure has not improved.
struct Stagnation {
  std::optional<BestMetric> best;
  Index evaluations = 0;  ///< since then

  /// Takes the value of an evaluation: it improves if it is better than the best by more than
  /// `min_delta`; a value that is not finite never does. Another metric starts anew.
  void observe(const std::string& metric, double value, std::uint64_t step, double min_delta);
};

/// What a run remembers beside parameters and optimizer state. Every number is a function of
/// (config, data, seed, step), so that it may stand in a checkpoint.
class Progress {
 public:
  /// The error rates whose first crossing is noted.
  static constexpr std::array<double, 5> kMilestones{0.50, 0.45, 0.30, 0.15, 0.05};

  /// Adds one batch of the running epoch, whose means are over `counted` samples; the epoch has
  /// `epoch_size`; `right` predictions of class labels, if it has any. Milestones that it reaches
  /// are those of its step. Allocates nothing.
  void add_batch(std::uint64_t step, const MetricSums& sums, double counted, Index epoch_size,
                 std::optional<double> right);
  /// True once so many samples were seen that one may speak of an error rate.
  [[nodiscard]] bool knows_error() const;
  /// Adds the mean loss of one batch to the usual one.
  void add_loss(double loss);
  /// The loss above which a batch is a spike of `times` the usual loss: infinite with 0 times, and
  /// while too few steps are known.
  [[nodiscard]] double spike_limit(double times) const;
  /// The running epoch is over.
  void end_epoch();
  /// Appends a row to the history: the columns are `step`, `epoch`, train_NAME and val_NAME. `val`
  /// may be empty.
  void add_history(std::uint64_t step, double epoch, const std::vector<Metric>& train,
                   const std::vector<Metric>& val);
  /// Takes the value as the new best if it is better, as the row of its metric says.
  /// True if it is.
  bool offer_best(const std::string& metric, double value, std::uint64_t step);

  MetricSums epoch_sums{};  ///< of the batches of the running epoch
  Index epoch_samples = 0;
  Index epoch_ignored = 0;   ///< labels of those that count nothing
  double error_average = 0;  ///< of the share of wrong answers, over about the last kErrorWindow
                             ///< samples, or the last epoch if that has fewer
  double error_weight = 0;
  std::array<std::uint64_t, kMilestones.size()> milestone_steps{};  ///< 0: not reached yet
  std::vector<HistoryColumn> history;
  std::optional<BestMetric> best;
  Stagnation stop;       ///< of the metric that ends the run
  Index flat_steps = 0;  ///< in a row, up to now, in which the gradient was small
  Stagnation plateau;    ///< of the metric that lowers the learning rate, since that was lowered
  Index rate_drops = 0;  ///< of the schedule of that metric
  double usual_loss =
      0;  ///< of a batch, over about the last kUsualSteps steps; divide by its weight
  double usual_loss_weight = 0;
  Index skipped = 0;    ///< steps in a row, up to now, that changed nothing
  Index rollbacks = 0;  ///< after divergence

 private:
  static constexpr double kErrorWindow = 1024;
  static constexpr double kUsualSteps = 50;
};

}  // namespace lockstep
