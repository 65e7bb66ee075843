#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lockstep/nn/layer.hpp"
#include "lockstep/nn/metric.hpp"

namespace lockstep {

/// The right answers for some samples: class labels or values, according to the loss.
struct Targets {
  std::span<const std::int32_t> labels;  ///< one per row of the prediction; below 0: nobody knows
  ConstMatrix values;                    ///< as many as the prediction, in the same order
  std::span<const Real> weights{};  ///< how much each sample counts in the loss; empty: all count 1
  /// 1 / variance of each column of the values over the whole set that the rows are taken from:
  /// what r2 of several columns needs.
  std::span<const double> inverse_variances{};

  /// The answers of rows [first, first + count), without weights.
  [[nodiscard]] Targets rows(Index first, Index count) const;
};

/// Sums over samples that metrics are formed from. In double: they are added in the order of the
/// microbatches. The first is that of the losses; a loss names its others, and nobody else reads
/// them.
struct MetricSums : std::array<double, 5> {
  [[nodiscard]] double& loss() { return front(); }
  [[nodiscard]] double loss() const { return front(); }
  MetricSums& operator+=(const MetricSums& other) {
    for (std::size_t i = 0; i < size(); ++i) (*this)[i] += other[i];
    return *this;
  }
};

/// What the outputs of a network mean that learns by a loss, and so what its answers are.
enum class Outputs {
  class_logits,  ///< softmax makes them probabilities of classes; answers are class labels
  logits,        ///< sigmoid makes each a probability; answers are values from 0 to 1
  values         ///< answers are values
};

/// Compares predictions with answers.
class Loss {
 public:
  virtual ~Loss() = default;

  [[nodiscard]] virtual std::string_view type() const = 0;
  [[nodiscard]] virtual Outputs outputs() const = 0;
  /// True if the answers are class labels.
  [[nodiscard]] bool classifies() const { return outputs() == Outputs::class_logits; }
  /// Errors: Error(config) if a network with this output cannot learn by this loss.
  virtual void check(Shape /*output*/) const {}
  /// For the rows given: sets gradient = weight * d(sum of the rows' losses) / d(prediction),
  /// and adds the rows' sums to `sums`. A row whose label is
  /// below 0 has the gradient 0 and adds nothing. An empty gradient (data = nullptr) is not wanted.
  virtual void evaluate(ConstMatrix prediction, const Targets& targets, Real weight,
                        Matrix gradient, MetricSums& sums) const = 0;
  /// How many predictions are right, if the answers are class labels.
  [[nodiscard]] virtual std::optional<double> right(const MetricSums& /*sums*/) const { return {}; }
  /// The metrics of `samples` samples of a network with this output, whose sums are given. Which
  /// there are depends on the output alone; the first is the mean loss. Each has a row in
  /// metric.hpp.
  [[nodiscard]] virtual std::vector<Metric> metrics(const MetricSums& sums, double samples,
                                                    Shape output) const = 0;
};

struct CrossEntropyOptions {
  Real label_smoothing = 0;           ///< share of the answer spread evenly over all classes
  std::vector<Real> class_weights{};  ///< of each class; empty: all are 1
  Index top_k = 0;                    ///< also counts labels among so many largest values; 0: off
};

/// Softmax cross-entropy of one label per row, with K classes, weights w and smoothing s: sum_c q_c
/// (-log p_c), where p = softmax(z) and q_c = w_c ((1 - s) [c = label] + s / K). The mean is over
/// rows, not over weights: weights of mean 1 over the samples leave the learning rate alone.
/// Metrics: loss, acc, topK, and for sequences perplexity. All but loss ignore weights and
/// smoothing.
/// Errors: `check` refuses a single output, whose p is 1 whatever it is, other than K weights, and
/// a top_k that is not below K.
/// Source: Szegedy et al. 2016, arXiv 1512.00567.
std::unique_ptr<Loss> cross_entropy(CrossEntropyOptions options = {});

/// Mean squared error: the mean over the columns of (prediction - answer)^2.
/// Metrics, also of the next two: loss, rmse, mae, r2.
std::unique_ptr<Loss> mean_squared_error();

/// Mean absolute error: the mean over the columns of |prediction - answer|, of slope 0 at 0.
std::unique_ptr<Loss> mean_absolute_error();

/// The mean over the columns of e^2 / 2 where |e| <= delta, elsewhere delta (|e| - delta / 2), with
/// e = prediction - answer.
/// Errors: Error(config) if delta is not above 0.
/// Source: Huber 1964, Annals of Mathematical Statistics 35.
std::unique_ptr<Loss> huber(Real delta = 1);

/// Cross-entropy of independent yes-or-no questions, given as logits z with answers t from 0 to 1:
/// the mean over the columns of -t log sigmoid(z) - (1 - t) log(1 - sigmoid(z)).
/// Metrics: loss, acc.
std::unique_ptr<Loss> binary_cross_entropy();

/// Evaluates the loss of each microbatch of a pass on its own; `sums` has one entry per microbatch
/// and is set. The loss of a sample is the mean over its positions, and so are its other sums;
/// `weight` is that of a sample. The loss of a sample, not its other sums, is multiplied by the
/// sample's own weight. The mean is over samples, not over weights: weights of mean 1 leave the
/// learning rate alone.
void evaluate_loss(const Loss& loss, const Pass& pass, ConstTensor prediction,
                   const Targets& targets, double weight, Tensor gradient,
                   std::span<MetricSums> sums);

}  // namespace lockstep
