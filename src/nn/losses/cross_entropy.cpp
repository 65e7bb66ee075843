#include <algorithm>
#include <cassert>
#include <cmath>

#include "lockstep/base/lane_sum.hpp"
#include "lockstep/nn/loss.hpp"
#include "nn/elementary.hpp"

namespace lockstep {
namespace {

/// With m = max_j z_j and s = sum_j exp(z_j - m): loss = log s + m - z_label, which cannot
/// overflow, and d loss / d z_j = exp(z_j - m) / s - [j = label]. Sums: loss, rows whose first
/// largest value is the label's.
class CrossEntropy final : public Loss {
 public:
  std::string_view type() const override { return "cross_entropy"; }
  bool classifies() const override { return true; }

  void evaluate(ConstMatrix prediction, const Targets& targets, Real weight, Matrix gradient,
                MetricSums& sums) const override {
    assert(static_cast<Index>(targets.labels.size()) == prediction.rows);
    for (Index i = 0; i < prediction.rows; ++i) {
      const auto label = static_cast<std::size_t>(targets.labels[static_cast<std::size_t>(i)]);
      const std::span<const Real> z = prediction.row(i);
      assert(label < z.size());
      const auto largest = std::ranges::max_element(z);
      const Real m = *largest;
      const double s = gradient.data == nullptr ? sum_exp(z, m) : sum_exp(z, m, gradient.row(i));
      sums[0] += std::log(s) + (static_cast<double>(m) - static_cast<double>(z[label]));
      sums[1] += largest - z.begin() == static_cast<std::ptrdiff_t>(label) ? 1 : 0;
      if (gradient.data == nullptr) continue;
      const auto factor = static_cast<Real>(static_cast<double>(weight) / s);
      for (Real& dz : gradient.row(i)) dz *= factor;
      gradient.row(i)[label] -= weight;
    }
  }

  std::vector<Metric> metrics(const MetricSums& sums, double samples) const override {
    return {{"loss", sums[0] / samples}, {"acc", sums[1] / samples}};
  }

 private:
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
};

}  // namespace

std::unique_ptr<Loss> cross_entropy() { return std::make_unique<CrossEntropy>(); }

}  // namespace lockstep
