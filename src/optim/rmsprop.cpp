#include <cassert>
#include <cmath>

#include "lockstep/base/parallel.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "optim/option_checks.hpp"

namespace lockstep {
namespace {

class RmsProp final : public Optimizer {
 public:
  explicit RmsProp(const RmsPropOptions& options) : options_(options) {
    check_share(type(), "alpha", options.alpha, "0.99");
    check_share(type(), "momentum", options.momentum, "0.9");
    check_positive(type(), "epsilon", options.epsilon, "1e-8");
    check_weight_decay(type(), options.weight_decay);
  }

  std::string_view type() const override { return "rmsprop"; }

  std::span<const std::string_view> slots() const override {
    static constexpr std::string_view kNames[] = {"square_avg", "momentum"};
    return std::span(kNames).first(options_.momentum > 0 ? 2 : 1);
  }

  void step(std::span<Real> parameters, std::span<const Real> gradient,
            std::span<const std::span<Real>> state, const Update& update) const override {
    assert(parameters.size() == gradient.size() && state.size() == slots().size());
    if (options_.momentum > 0) {
      update_all<true>(parameters, gradient, state[0], state[1], update);
    } else {
      update_all<false>(parameters, gradient, state[0], {}, update);
    }
  }

 private:
  template <bool kMomentum>
  void update_all(std::span<Real> parameters, std::span<const Real> gradient,
                  std::span<Real> squares, std::span<Real> velocity, const Update& update) const {
    const auto rate = static_cast<Real>(update.learning_rate);
    const auto scale = static_cast<Real>(update.gradient_scale);
    const auto decay = static_cast<Real>(update.decays ? options_.weight_decay : 0);
    const auto alpha = static_cast<Real>(options_.alpha);
    const auto rest = static_cast<Real>(1 - options_.alpha);
    const auto momentum = static_cast<Real>(options_.momentum);
    const auto epsilon = static_cast<Real>(options_.epsilon);
    Real* w = parameters.data();
    Real* s = squares.data();
    Real* v = velocity.data();
    const Real* dw = gradient.data();
    parallel_for_tiles(static_cast<Index>(parameters.size()), kElementTile,
                       [=](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i) {
                           const Real g = scale * dw[i] + decay * w[i];
                           s[i] = alpha * s[i] + rest * g * g;
                           Real way = g / (std::sqrt(s[i]) + epsilon);
                           if constexpr (kMomentum) way = v[i] = momentum * v[i] + way;
                           w[i] -= rate * way;
                         }
                       });
  }

  RmsPropOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> rmsprop(const RmsPropOptions& options) {
  return std::make_unique<RmsProp>(options);
}

}  // namespace lockstep
