#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "lockstep/nn/layer.hpp"

namespace lockstep {

/// The right answers for some samples: class labels or values, according to the loss.
struct Targets {
  std::span<const std::int32_t> labels;  ///< one per row
  ConstMatrix values;                    ///< one row per row

  /// The answers of rows [first, first + count).
  [[nodiscard]] Targets rows(Index first, Index count) const;
};

/// Sums over samples that metrics are made of; what each means is the loss's business. In double:
/// they are added in the order of the microbatches.
using MetricSums = std::array<double, 4>;

/// One figure for people: "loss", "acc", "rmse", "r2".
struct Metric {
  std::string_view name;
  double value;
};

/// Compares predictions with answers.
class Loss {
 public:
  virtual ~Loss() = default;

  [[nodiscard]] virtual std::string_view type() const = 0;
  /// True if the answers are class labels.
  [[nodiscard]] virtual bool classifies() const = 0;
  /// For the rows given: sets gradient = weight * d(sum of the samples' losses) / d(prediction),
  /// and adds the rows' sums to `sums`; sums[0] is the sum of the losses. An empty gradient (data =
  /// nullptr) is not wanted.
  virtual void evaluate(ConstMatrix prediction, const Targets& targets, Real weight,
                        Matrix gradient, MetricSums& sums) const = 0;
  /// The figures of `samples` samples whose sums are given. The first is the mean loss.
  [[nodiscard]] virtual std::vector<Metric> metrics(const MetricSums& sums,
                                                    double samples) const = 0;
};

/// Softmax cross-entropy of one label per row: -log(exp(z_label) / sum_j exp(z_j)).
/// Metrics: loss (mean), acc (share of rows whose largest value is the label's; the first of equals
/// counts).
std::unique_ptr<Loss> cross_entropy();

/// Mean squared error: the mean over the columns of (prediction - answer)^2.
/// Metrics: loss (mean), rmse, and for one column r2 = 1 - sum of squared errors / sum of squared
/// deviations from the mean (NaN if all answers are equal); around a common mean of several columns
/// their differences would count as explained.
std::unique_ptr<Loss> mean_squared_error();

/// Evaluates the loss of each microbatch of a pass on its own; `sums` has one entry per microbatch
/// and is set.
void evaluate_loss(const Loss& loss, const Pass& pass, ConstTensor prediction,
                   const Targets& targets, Real weight, Tensor gradient,
                   std::span<MetricSums> sums);

}  // namespace lockstep
