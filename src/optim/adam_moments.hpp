#pragma once

#include <cmath>
#include <string_view>

#include "lockstep/base/portable_math.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "optim/option_checks.hpp"

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
        first(1 - portable::pow(beta1_option, static_cast<double>(step))),
        correction(static_cast<Real>(
            std::sqrt(1 - portable::pow(beta2_option, static_cast<double>(step))))) {}

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

/// The averages in the state, as in checkpoints.
inline constexpr std::string_view kAdamSlots[] = {"exp_avg", "exp_avg_sq"};

/// The options that all rules with these averages share.
/// Errors: Error(config).
template <typename Options>
void check_adam_options(std::string_view rule, const Options& options,
                        std::string_view usual_epsilon) {
  check_share(rule, "beta1", options.beta1, "0.9");
  check_share(rule, "beta2", options.beta2, "0.999");
  check_positive(rule, "epsilon", options.epsilon, usual_epsilon);
  check_weight_decay(rule, options.weight_decay);
}

}  // namespace lockstep
