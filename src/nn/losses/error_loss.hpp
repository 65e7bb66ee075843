#pragma once

#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "lockstep/base/lane_sum.hpp"
#include "lockstep/nn/loss.hpp"

namespace lockstep {

/// A loss of values that is the mean over the columns of a function of the error e = p - t.
/// `Rule` states its name and two formulas:
///
///     static constexpr std::string_view kType;
///     double value(double e) const;            // the loss of one number
///     static constexpr double kFactor;         // its slope is kFactor * slope(e)
///     Real slope(Real e) const;
template <typename Rule>
class ErrorLoss final : public Loss {
 public:
  explicit ErrorLoss(Rule rule = {}) : rule_(std::move(rule)) {}

  std::string_view type() const override { return Rule::kType; }
  Outputs outputs() const override { return Outputs::values; }

  void evaluate(ConstMatrix prediction, const Targets& targets, Real weight, Matrix gradient,
                MetricSums& sums) const override {
    const Index columns = prediction.columns;
    assert(targets.values.rows == prediction.rows && targets.values.columns == columns);
    const auto count = static_cast<double>(columns);
    const auto scale = static_cast<Real>(Rule::kFactor * static_cast<double>(weight) / count);
    for (Index i = 0; i < prediction.rows; ++i) {
      const Real* p = prediction.row(i).data();
      const Real* t = targets.values.row(i).data();
      const auto error = [=](Index j) { return double{p[j]} - double{t[j]}; };
      const auto square = [](double x) { return x * x; };
      sums.loss() += lane_sum(columns, [&](Index j) { return rule_.value(error(j)); }) / count;
      sums[kSquaredError] += lane_sum(columns, [&](Index j) { return square(error(j)); }) / count;
      if (columns == 1) {
        sums[kAnswer] += double{t[0]};
        sums[kSquaredAnswer] += square(double{t[0]});
      } else if (targets.inverse_variances.empty()) {
        sums[kUnexplained] = std::numeric_limits<double>::infinity();
      } else {
        const double* v = targets.inverse_variances.data();
        sums[kUnexplained] +=
            lane_sum(columns, [&](Index j) { return square(error(j)) * v[j]; }) / count;
      }
      sums[kAbsoluteError] +=
          lane_sum(columns, [&](Index j) { return std::fabs(error(j)); }) / count;
      if (gradient.data == nullptr) continue;
      Real* dp = gradient.row(i).data();
      for (Index j = 0; j < columns; ++j) dp[j] = scale * rule_.slope(p[j] - t[j]);
    }
  }

  std::vector<Metric> metrics(const MetricSums& sums, double samples, Shape output) const override {
    std::vector<Metric> all{{"loss", sums.loss() / samples},
                            {"rmse", std::sqrt(sums[kSquaredError] / samples)},
                            {"mae", sums[kAbsoluteError] / samples}};
    all.push_back(
        {"r2", output.channels == 1 ? r2_of_one(sums, samples) : r2_of_several(sums, samples)});
    return all;
  }

 private:
  /// Of each row the means over the columns.
  enum Sum : std::size_t {
    kLoss,
    kSquaredError,
    kAnswer,             ///< of one column
    kUnexplained = 2,    ///< of several: e^2 / variance
    kSquaredAnswer = 3,  ///< of one column
    kAbsoluteError,
  };

  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

  /// Squared deviations below this part of the squares are rounding errors of equal answers.
  static constexpr double kRounding = 1e-13;

  static double r2_of_one(const MetricSums& sums, double samples) {
    const double deviations = sums[kSquaredAnswer] - sums[kAnswer] * sums[kAnswer] / samples;
    return deviations > kRounding * sums[kSquaredAnswer] ? 1 - sums[kSquaredError] / deviations
                                                         : kNone;
  }

  static double r2_of_several(const MetricSums& sums, double samples) {
    return std::isfinite(sums[kUnexplained]) ? 1 - sums[kUnexplained] / samples : kNone;
  }

  Rule rule_;
};

}  // namespace lockstep
