#include <cassert>
#include <cmath>
#include <limits>

#include "lockstep/base/lane_sum.hpp"
#include "lockstep/nn/loss.hpp"

namespace lockstep {
namespace {

/// loss = (1 / columns) sum_j (p_j - t_j)^2, d loss / d p_j = 2 / columns (p_j - t_j).
/// Sums: loss, answers, sum of the answers, sum of the squared answers.
class MeanSquaredError final : public Loss {
 public:
  std::string_view type() const override { return "mse"; }
  bool classifies() const override { return false; }

  void evaluate(ConstMatrix prediction, const Targets& targets, Real weight, Matrix gradient,
                MetricSums& sums) const override {
    const Index columns = prediction.columns;
    assert(targets.values.rows == prediction.rows && targets.values.columns == columns);
    const auto slope =
        static_cast<Real>(2 * static_cast<double>(weight) / static_cast<double>(columns));
    for (Index i = 0; i < prediction.rows; ++i) {
      const Real* p = prediction.row(i).data();
      const Real* t = targets.values.row(i).data();
      sums[0] += lane_sum(columns, [=](Index j) { return square(double{p[j]} - double{t[j]}); }) /
                 static_cast<double>(columns);
      sums[1] += static_cast<double>(columns);
      sums[2] += lane_sum(columns, [=](Index j) { return double{t[j]}; });
      sums[3] += lane_sum(columns, [=](Index j) { return square(double{t[j]}); });
      if (gradient.data == nullptr) continue;
      Real* dp = gradient.row(i).data();
      for (Index j = 0; j < columns; ++j) dp[j] = slope * (p[j] - t[j]);
    }
  }

  std::vector<Metric> metrics(const MetricSums& sums, double samples) const override {
    const double loss = sums[0] / samples;
    std::vector<Metric> figures{{"loss", loss}, {"rmse", std::sqrt(loss)}};
    const double answers = sums[1];
    if (answers == samples) {
      const double deviations = sums[3] - square(sums[2]) / answers;
      figures.push_back({"r2", deviations > 0 ? 1 - sums[0] / deviations
                                              : std::numeric_limits<double>::quiet_NaN()});
    }
    return figures;
  }

 private:
  static double square(double x) { return x * x; }
};

}  // namespace

std::unique_ptr<Loss> mean_squared_error() { return std::make_unique<MeanSquaredError>(); }

}  // namespace lockstep
