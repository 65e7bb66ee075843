#pragma once

#include <cmath>

#include "lockstep/optim/optimizer.hpp"

namespace lockstep {

/// Adam's averages of the gradient and of its square, in one step. Its numbers are computed in
/// double and rounded once.
struct AdamMoments {
  AdamMoments(double beta1_option, double beta2_option, double epsilon_option, std::uint64_t step)
      : beta1(static_cast<Real>(beta1_option)),
        beta2(static_cast<Real>(beta2_option)),
        rest1(static_cast<Real>(1 - beta1_option)),
        rest2(static_cast<Real>(1 - beta2_option)),
        epsilon(static_cast<Real>(epsilon_option)),
        first(1 - std::pow(beta1_option, static_cast<double>(step))),
        correction(
            static_cast<Real>(std::sqrt(1 - std::pow(beta2_option, static_cast<double>(step))))) {}

  /// Takes the gradient g into both averages; returns sqrt(v / (1 - beta2^t)) + epsilon.
  Real add(Real g, Real& m, Real& v) const {
    m = beta1 * m + rest1 * g;
    v = beta2 * v + rest2 * g * g;
    return std::sqrt(v) / correction + epsilon;
  }

  Real beta1, beta2, rest1, rest2, epsilon;
  double first;     ///< 1 - beta1^t
  Real correction;  ///< sqrt(1 - beta2^t)
};

}  // namespace lockstep
