#include "lockstep/optim/norm.hpp"

#include "lockstep/base/lane_sum.hpp"

namespace lockstep {

double square_sum(std::span<const Real> values) {
  const Real* x = values.data();
  return lane_sum(static_cast<Index>(values.size()),
                  [=](Index i) { return double{x[i]} * double{x[i]}; });
}

double clip_scale(double norm, double limit) {
  if (limit == 0) return 1;
  const double scale = limit / (norm + 1e-6);
  return scale > 1 ? 1 : scale;  // NaN stays NaN
}

}  // namespace lockstep
