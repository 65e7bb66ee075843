#include <cassert>

#include "lockstep/base/parallel.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "optim/adam_moments.hpp"
#include "optim/option_checks.hpp"

namespace lockstep {
namespace {

class AdamW final : public Optimizer {
 public:
  explicit AdamW(const AdamWOptions& options) : options_(options) {
    check_share(type(), "beta1", options.beta1, "0.9");
    check_share(type(), "beta2", options.beta2, "0.999");
    check_positive(type(), "epsilon", options.epsilon, "1e-8");
    check_weight_decay(type(), options.weight_decay);
  }

  std::string_view type() const override { return "adamw"; }

  std::span<const std::string_view> slots() const override {
    static constexpr std::string_view kNames[] = {"exp_avg", "exp_avg_sq"};
    return kNames;
  }

  void step(std::span<Real> parameters, std::span<const Real> gradient,
            std::span<const std::span<Real>> state, const Update& update) const override {
    assert(parameters.size() == gradient.size() && state.size() == 2 && update.step >= 1);
    assert(state[0].size() == parameters.size() && state[1].size() == parameters.size());
    const AdamMoments moments(options_.beta1, options_.beta2, options_.epsilon, update.step);
    const auto scale = static_cast<Real>(update.gradient_scale);
    const double decay = update.decays ? options_.weight_decay : 0;
    const auto shrink = static_cast<Real>(1 - update.learning_rate * decay);
    const auto rate = static_cast<Real>(update.learning_rate / moments.first);
    Real* w = parameters.data();
    Real* m = state[0].data();
    Real* v = state[1].data();
    const Real* dw = gradient.data();
    parallel_for_tiles(static_cast<Index>(parameters.size()), kElementTile,
                       [=](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i) {
                           const Real spread = moments.add(scale * dw[i], m[i], v[i]);
                           w[i] = shrink * w[i] - rate * m[i] / spread;
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
