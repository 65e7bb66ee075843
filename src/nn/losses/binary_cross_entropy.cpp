#include <algorithm>
#include <cassert>
#include <cmath>

#include "lockstep/base/lane_sum.hpp"
#include "lockstep/base/portable_math.hpp"
#include "lockstep/nn/loss.hpp"
#include "nn/elementary.hpp"

namespace lockstep {
namespace {

/// loss = (1 / columns) sum_j (max(z_j, 0) - z_j t_j + log(1 + exp(-|z_j|))), which cannot
/// overflow; d loss / d z_j = (sigmoid(z_j) - t_j) / columns. Sums: loss, fraction of right
/// outputs.
class BinaryCrossEntropy final : public Loss {
 public:
  std::string_view type() const override { return "binary_cross_entropy"; }
  Outputs outputs() const override { return Outputs::logits; }

  void evaluate(ConstMatrix prediction, const Targets& targets, Real weight, Matrix gradient,
                MetricSums& sums) const override {
    const Index columns = prediction.columns;
    assert(targets.values.rows == prediction.rows && targets.values.columns == columns);
    const auto count = static_cast<double>(columns);
    const auto scale = static_cast<Real>(static_cast<double>(weight) / count);
    for (Index i = 0; i < prediction.rows; ++i) {
      const Real* z = prediction.row(i).data();
      const Real* t = targets.values.row(i).data();
      const double linear = lane_sum(columns, [=](Index j) {
        return (z[j] < 0 ? 0.0 : double{z[j]}) - double{z[j]} * double{t[j]};
      });
      sums.loss() += (linear + tails({z, static_cast<std::size_t>(columns)})) / count;
      sums[kRight] +=
          lane_sum(columns, [=](Index j) { return (z[j] > 0) == (t[j] > Real{0.5}) ? 1.0 : 0.0; }) /
          count;
      if (gradient.data == nullptr) continue;
      Real* dz = gradient.row(i).data();
      for (Index j = 0; j < columns; ++j) dz[j] = scale * (elementary::sigmoid(z[j]) - t[j]);
    }
  }

  std::vector<Metric> metrics(const MetricSums& sums, double samples,
                              Shape /*output*/) const override {
    return {{"loss", sums.loss() / samples}, {"acc", sums[kRight] / samples}};
  }

 private:
  enum Sum : std::size_t { kLoss, kRight };

  // sum_j log(1 + exp(-|z_j|)): every factor is at most 2, so a logarithm is taken of the product
  // of many.
  static double tails(std::span<const Real> z) {
    constexpr std::size_t kFactors = 512;
    double sum = 0;
    for (std::size_t begin = 0; begin < z.size(); begin += kFactors) {
      const auto part = z.subspan(begin, std::min(kFactors, z.size() - begin));
      sum += portable::log(lane_product(static_cast<Index>(part.size()), [=](Index j) {
        return 1 + double{elementary::exp(-std::fabs(part[static_cast<std::size_t>(j)]))};
      }));
    }
    return sum;
  }
};

}  // namespace

std::unique_ptr<Loss> binary_cross_entropy() { return std::make_unique<BinaryCrossEntropy>(); }

}  // namespace lockstep
