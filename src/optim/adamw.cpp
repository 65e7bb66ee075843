#include <cassert>
#include <cmath>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/optim/optimizer.hpp"

namespace lockstep {
namespace {

void check_beta(const char* name, double beta) {
  if (beta >= 0 && beta < 1) return;
  throw Error(ExitCode::config, "adamw: " + std::string(name) + " must be in [0, 1), found " +
                                    std::to_string(beta) + "; 0.9 and 0.999 are usual");
}

void check(const AdamWOptions& o) {
  check_beta("beta1", o.beta1);
  check_beta("beta2", o.beta2);
  if (!(o.epsilon > 0 && std::isfinite(o.epsilon))) {
    throw Error(ExitCode::config, "adamw: epsilon must be above 0 and finite, found " +
                                      std::to_string(o.epsilon) + "; 1e-8 is usual");
  }
  if (!(o.weight_decay >= 0 && std::isfinite(o.weight_decay))) {
    throw Error(ExitCode::config, "adamw: weight_decay must be at least 0 and finite, found " +
                                      std::to_string(o.weight_decay) + "; 0 switches it off");
  }
}

/// The numbers of one step, computed in double and rounded once.
struct Factors {
  Factors(const AdamWOptions& o, const Update& u)
      : scale(static_cast<Real>(u.gradient_scale)),
        shrink(static_cast<Real>(1 - u.learning_rate * (u.decays ? o.weight_decay : 0))),
        beta1(static_cast<Real>(o.beta1)),
        beta2(static_cast<Real>(o.beta2)),
        rest1(static_cast<Real>(1 - o.beta1)),
        rest2(static_cast<Real>(1 - o.beta2)),
        epsilon(static_cast<Real>(o.epsilon)) {
    const auto t = static_cast<double>(u.step);
    rate = static_cast<Real>(u.learning_rate / (1 - std::pow(o.beta1, t)));
    correction = static_cast<Real>(std::sqrt(1 - std::pow(o.beta2, t)));
  }

  Real scale, shrink, beta1, beta2, rest1, rest2, epsilon;
  Real rate;        ///< learning_rate / (1 - beta1^t)
  Real correction;  ///< sqrt(1 - beta2^t)
};

class AdamW final : public Optimizer {
 public:
  explicit AdamW(const AdamWOptions& options) : options_(options) { check(options); }

  std::string_view type() const override { return "adamw"; }

  std::span<const std::string_view> slots() const override {
    static constexpr std::string_view kNames[] = {"exp_avg", "exp_avg_sq"};
    return kNames;
  }

  void step(std::span<Real> parameters, std::span<const Real> gradient,
            std::span<const std::span<Real>> state, const Update& update) const override {
    assert(parameters.size() == gradient.size() && state.size() == 2 && update.step >= 1);
    assert(state[0].size() == parameters.size() && state[1].size() == parameters.size());
    const Factors f(options_, update);
    Real* w = parameters.data();
    Real* m = state[0].data();
    Real* v = state[1].data();
    const Real* dw = gradient.data();
    parallel_for_tiles(static_cast<Index>(parameters.size()), kElementTile,
                       [=](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i) {
                           const Real g = f.scale * dw[i];
                           m[i] = f.beta1 * m[i] + f.rest1 * g;
                           v[i] = f.beta2 * v[i] + f.rest2 * g * g;
                           const Real spread = std::sqrt(v[i]) / f.correction + f.epsilon;
                           w[i] = f.shrink * w[i] - f.rate * m[i] / spread;
                         }
                       });
  }

 private:
  AdamWOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> adamw(const AdamWOptions& options) {
  return std::make_unique<AdamW>(options);
}

}  // namespace lockstep
