#include <cassert>

#include "lockstep/base/parallel.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "optim/adam_moments.hpp"

namespace lockstep {
namespace {

class Lamb final : public Optimizer, private TrustRatio {
 public:
  explicit Lamb(const LambOptions& options) : options_(options) {
    check_adam_options(type(), options, "1e-6");
  }

  std::string_view type() const override { return "lamb"; }

  std::span<const std::string_view> slots() const override { return kAdamSlots; }

  const TrustRatio* trust_ratio() const override { return this; }

  void step(std::span<Real> parameters, std::span<const Real> direction,
            std::span<const std::span<Real>> /*state*/, const Update& update) const override {
    assert(parameters.size() == direction.size());
    const auto rate = static_cast<Real>(update.learning_rate * update.trust_ratio);
    Real* w = parameters.data();
    const Real* u = direction.data();
    parallel_for_tiles(static_cast<Index>(parameters.size()), kElementTile,
                       [=](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i) w[i] -= rate * u[i];
                       });
  }

 private:
  void direct(std::span<const Real> parameters, std::span<const Real> gradient,
              std::span<const std::span<Real>> state, const Update& update,
              std::span<Real> direction) const override {
    assert(state.size() == 2);
    const AdamMoments moments(options_.beta1, options_.beta2, options_.epsilon, update.step);
    const auto scale = static_cast<Real>(update.gradient_scale);
    const auto decay = static_cast<Real>(update.decays ? options_.weight_decay : 0);
    const auto first = static_cast<Real>(1 / moments.first);
    const Real* w = parameters.data();
    const Real* dw = gradient.data();
    Real* m = state[0].data();
    Real* v = state[1].data();
    Real* u = direction.data();
    parallel_for_tiles(static_cast<Index>(parameters.size()), kElementTile,
                       [=](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i) {
                           const Real spread = moments.add(scale * dw[i], m[i], v[i]);
                           u[i] = first * m[i] / spread + decay * w[i];
                         }
                       });
  }

  double ratio(double parameter_norm, double direction_norm) const override {
    return parameter_norm / direction_norm;
  }

  LambOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> lamb(const LambOptions& options) {
  return std::make_unique<Lamb>(options);
}

}  // namespace lockstep
