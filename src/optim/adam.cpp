#include <cassert>

#include "lockstep/base/parallel.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "optim/adam_moments.hpp"

namespace lockstep {
namespace {

/// Weight decay is part of the gradient, or shrinks the weights beside it (AdamW).
template <bool kDecoupled>
class Adam final : public Optimizer {
 public:
  explicit Adam(const AdamOptions& options) : options_(options) {
    check_adam_options(type(), options, "1e-8");
  }

  std::string_view type() const override { return kDecoupled ? "adamw" : "adam"; }

  std::span<const std::string_view> slots() const override { return kAdamSlots; }

  void step(std::span<Real> parameters, std::span<const Real> gradient,
            std::span<const std::span<Real>> state, const Update& update) const override {
    assert(parameters.size() == gradient.size() && state.size() == 2 && update.step >= 1);
    assert(state[0].size() == parameters.size() && state[1].size() == parameters.size());
    const AdamMoments moments(options_.beta1, options_.beta2, options_.epsilon, update.step);
    const auto scale = static_cast<Real>(update.gradient_scale);
    const double weight_decay = update.decays ? options_.weight_decay : 0;
    const auto decay = static_cast<Real>(weight_decay);
    const auto shrink = static_cast<Real>(1 - update.learning_rate * weight_decay);
    const auto rate = static_cast<Real>(update.learning_rate / moments.first);
    Real* w = parameters.data();
    Real* m = state[0].data();
    Real* v = state[1].data();
    const Real* dw = gradient.data();
    parallel_for_tiles(static_cast<Index>(parameters.size()), kElementTile,
                       [=](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i) {
                           Real g = scale * dw[i];
                           if constexpr (!kDecoupled) g += decay * w[i];
                           const Real spread = moments.add(g, m[i], v[i]);
                           const Real kept = kDecoupled ? shrink * w[i] : w[i];
                           w[i] = kept - rate * m[i] / spread;
                         }
                       });
  }

 private:
  AdamOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> adam(const AdamOptions& options) {
  return std::make_unique<Adam<false>>(options);
}

std::unique_ptr<Optimizer> adamw(const AdamWOptions& o) {
  return std::make_unique<Adam<true>>(AdamOptions{
      .beta1 = o.beta1, .beta2 = o.beta2, .epsilon = o.epsilon, .weight_decay = o.weight_decay});
}

}  // namespace lockstep
