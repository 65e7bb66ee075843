#include <cassert>

#include "lockstep/base/parallel.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "optim/option_checks.hpp"

namespace lockstep {
namespace {

class Lars final : public Optimizer, private TrustRatio {
 public:
  explicit Lars(const LarsOptions& options) : options_(options) {
    check_positive(type(), "trust", options.trust, "0.001");
    check_share(type(), "momentum", options.momentum, "0.9");
    check_weight_decay(type(), options.weight_decay);
  }

  std::string_view type() const override { return "lars"; }

  std::span<const std::string_view> slots() const override {
    static constexpr std::string_view kNames[] = {"momentum"};
    return kNames;
  }

  const TrustRatio* trust_ratio() const override { return this; }

  void step(std::span<Real> parameters, std::span<const Real> direction,
            std::span<const std::span<Real>> state, const Update& update) const override {
    assert(parameters.size() == direction.size() && state.size() == 1);
    const auto rate = static_cast<Real>(update.learning_rate * update.trust_ratio);
    const auto momentum = static_cast<Real>(options_.momentum);
    Real* w = parameters.data();
    Real* v = state[0].data();
    const Real* u = direction.data();
    parallel_for_tiles(static_cast<Index>(parameters.size()), kElementTile,
                       [=](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i) {
                           v[i] = momentum * v[i] + rate * u[i];
                           w[i] -= v[i];
                         }
                       });
  }

 private:
  void direct(std::span<const Real> parameters, std::span<const Real> gradient,
              std::span<const std::span<Real>> /*state*/, const Update& update,
              std::span<Real> direction) const override {
    const auto scale = static_cast<Real>(update.gradient_scale);
    const auto decay = static_cast<Real>(update.decays ? options_.weight_decay : 0);
    const Real* w = parameters.data();
    const Real* dw = gradient.data();
    Real* u = direction.data();
    parallel_for_tiles(static_cast<Index>(parameters.size()), kElementTile,
                       [=](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i) u[i] = scale * dw[i] + decay * w[i];
                       });
  }

  double ratio(double parameter_norm, double direction_norm) const override {
    return options_.trust * parameter_norm / direction_norm;
  }

  LarsOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> lars(const LarsOptions& options) {
  return std::make_unique<Lars>(options);
}

}  // namespace lockstep
