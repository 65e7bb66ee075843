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
///
/// Sums: loss; of each row the means over the columns of e^2, of t, of t^2, of |e|.
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
      sums[0] += lane_sum(columns, [&](Index j) { return rule_.value(error(j)); }) / count;
      sums[1] += lane_sum(columns, [&](Index j) { return square(error(j)); }) / count;
      sums[2] += lane_sum(columns, [=](Index j) { return double{t[j]}; }) / count;
      sums[3] += lane_sum(columns, [&](Index j) { return square(double{t[j]}); }) / count;
      sums[4] += lane_sum(columns, [&](Index j) { return std::fabs(error(j)); }) / count;
      if (gradient.data == nullptr) continue;
      Real* dp = gradient.row(i).data();
      for (Index j = 0; j < columns; ++j) dp[j] = scale * rule_.slope(p[j] - t[j]);
    }
  }

  std::vector<Metric> metrics(const MetricSums& sums, double samples, Shape output) const override {
    std::vector<Metric> figures{{"loss", sums[0] / samples},
                                {"rmse", std::sqrt(sums[1] / samples)},
                                {"mae", sums[4] / samples}};
    if (output.channels == 1) {
      const double deviations = sums[3] - sums[2] * sums[2] / samples;
      figures.push_back({"r2", deviations > 0 ? 1 - sums[1] / deviations
                                              : std::numeric_limits<double>::quiet_NaN()});
    }
    return figures;
  }

 private:
  Rule rule_;
};

}  // namespace lockstep
