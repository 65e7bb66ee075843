#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

#include "lockstep/base/error.hpp"
#include "lockstep/base/lane_sum.hpp"
#include "lockstep/base/portable_math.hpp"
#include "lockstep/nn/loss.hpp"
#include "nn/elementary.hpp"

namespace lockstep {
namespace {

/// With m = max_j z_j and s = sum_j exp(z_j - m): -log p_c = log s + m - z_c, which cannot
/// overflow, and d loss / d z_j = (sum_c q_c) exp(z_j - m) / s - q_j.
/// Rows whose label is below 0 are passed over.
class CrossEntropy final : public Loss {
 public:
  explicit CrossEntropy(CrossEntropyOptions options) : options_(std::move(options)) {}

  std::string_view type() const override { return "cross_entropy"; }
  Outputs outputs() const override { return Outputs::class_logits; }

  void check(Shape output) const override {
    const Index classes = output.channels;
    if (classes == 1) {
      throw Error(ExitCode::config,
                  "cross_entropy of one output: its probability is 1 whatever the network says, so "
                  "nothing is learned; for yes or no use binary_cross_entropy, or give the last "
                  "layer one output for each class");
    }
    const auto weights = static_cast<Index>(options_.class_weights.size());
    if (weights != 0 && weights != classes) {
      throw Error(ExitCode::config,
                  fmt::format("'class_weights' must have one number for each class, but has {} for "
                              "the {} outputs of the network",
                              weights, classes));
    }
    if (options_.top_k >= classes && options_.top_k > 0) {
      throw Error(ExitCode::config, fmt::format("'top_k' must be below the number of classes, {}, "
                                                "is {}: every answer would be right",
                                                classes, options_.top_k));
    }
  }

  void evaluate(ConstMatrix prediction, const Targets& targets, Real weight, Matrix gradient,
                MetricSums& sums) const override {
    assert(static_cast<Index>(targets.labels.size()) == prediction.rows);
    const Answer answer = answer_for(prediction.columns);
    for (Index i = 0; i < prediction.rows; ++i) {
      const std::int32_t answer_is = targets.labels[static_cast<std::size_t>(i)];
      if (answer_is < 0) {
        if (gradient.data != nullptr) std::ranges::fill(gradient.row(i), Real{0});
        continue;
      }
      const auto label = static_cast<std::size_t>(answer_is);
      const std::span<const Real> z = prediction.row(i);
      assert(label < z.size());
      const auto largest = std::ranges::max_element(z);
      const Real m = *largest;
      const double s = gradient.data == nullptr ? sum_exp(z, m) : sum_exp(z, m, gradient.row(i));
      const double own =
          portable::log(s) + (static_cast<double>(m) - static_cast<double>(z[label]));
      const double of_label = answer.label * weight_of(label);
      sums.loss() += of_label * own;
      if (answer.spread > 0)
        sums.loss() += answer.spread * (answer.weights * portable::log(s) + gaps(z, m));
      sums[kRight] += largest - z.begin() == static_cast<std::ptrdiff_t>(label) ? 1 : 0;
      if (options_.top_k > 0) sums[kAmongTop] += rank_of(z, label) < options_.top_k ? 1 : 0;
      sums[kLabelLoss] += own;
      if (gradient.data == nullptr) continue;
      const double total = of_label + answer.spread * answer.weights;
      subtract_answer(gradient.row(i), label, static_cast<double>(weight) * total / s, weight,
                      answer);
    }
  }

  std::optional<double> right(const MetricSums& sums) const override { return sums[kRight]; }

  std::vector<Metric> metrics(const MetricSums& sums, double samples, Shape output) const override {
    std::vector<Metric> all{{"loss", sums.loss() / samples}, {"acc", sums[kRight] / samples}};
    if (options_.top_k > 0) {
      all.push_back({fmt::format("top{}", options_.top_k), sums[kAmongTop] / samples});
    }
    if (output.positions() > 1)
      all.push_back({"perplexity", portable::exp(sums[kLabelLoss] / samples)});
    return all;
  }

 private:
  enum Sum : std::size_t {
    kLoss,
    kRight,      ///< rows whose first largest value is the label's
    kAmongTop,   ///< rows whose label is among the top_k largest
    kLabelLoss,  ///< -log p_label
  };

  // q_c = w_c (label [c = label] + spread); weights = sum_c w_c.
  struct Answer {
    double label;
    double spread;
    double weights;
  };

  [[nodiscard]] Answer answer_for(Index classes) const {
    const auto smoothing = static_cast<double>(options_.label_smoothing);
    const auto k = static_cast<double>(classes);
    const auto& w = options_.class_weights;
    return {1 - smoothing, smoothing / k, w.empty() ? k : std::accumulate(w.begin(), w.end(), 0.0)};
  }

  [[nodiscard]] double weight_of(std::size_t c) const {
    return options_.class_weights.empty() ? 1 : static_cast<double>(options_.class_weights[c]);
  }

  // sum_c w_c (m - z_c)
  [[nodiscard]] double gaps(std::span<const Real> z, Real m) const {
    return lane_sum(static_cast<Index>(z.size()), [&](Index j) {
      const auto c = static_cast<std::size_t>(j);
      return weight_of(c) * (static_cast<double>(m) - static_cast<double>(z[c]));
    });
  }

  // How many classes come before the label when the values are sorted from above; NaN comes before
  // all.
  static Index rank_of(std::span<const Real> z, std::size_t label) {
    const Real own = z[label];
    Index before = 0;
    for (std::size_t c = 0; c < label; ++c) before += z[c] < own ? 0 : 1;
    for (std::size_t c = label + 1; c < z.size(); ++c) before += z[c] <= own ? 0 : 1;
    return before;
  }

  // Exponentials become the gradient: factor * e_c - weight * q_c.
  void subtract_answer(std::span<Real> e, std::size_t label, double factor, Real weight,
                       const Answer& answer) const {
    const auto scale = static_cast<Real>(factor);
    for (Real& dz : e) dz *= scale;
    const auto spread = static_cast<Real>(static_cast<double>(weight) * answer.spread);
    if (answer.spread > 0 && options_.class_weights.empty()) {
      for (Real& dz : e) dz -= spread;
    } else if (answer.spread > 0) {
      for (std::size_t c = 0; c < e.size(); ++c) e[c] -= spread * options_.class_weights[c];
    }
    e[label] -= static_cast<Real>(static_cast<double>(weight) * answer.label * weight_of(label));
  }

  static double sum_exp(std::span<const Real> z, Real m) {
    return lane_sum(static_cast<Index>(z.size()), [=](Index j) {
      return static_cast<double>(elementary::exp(z[static_cast<std::size_t>(j)] - m));
    });
  }

  // The same bits, and keeps the exponentials.
  static double sum_exp(std::span<const Real> z, Real m, std::span<Real> e) {
    for (std::size_t j = 0; j < z.size(); ++j) e[j] = elementary::exp(z[j] - m);
    return lane_sum(static_cast<Index>(e.size()),
                    [=](Index j) { return static_cast<double>(e[static_cast<std::size_t>(j)]); });
  }

  CrossEntropyOptions options_;
};

}  // namespace

std::unique_ptr<Loss> cross_entropy(CrossEntropyOptions options) {
  return std::make_unique<CrossEntropy>(std::move(options));
}

}  // namespace lockstep
