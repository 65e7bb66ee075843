#include <cassert>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "optim/option_checks.hpp"

namespace lockstep {
namespace {

void check(const SgdOptions& o) {
  check_share("sgd", "momentum", o.momentum, "0.9");
  check_weight_decay("sgd", o.weight_decay);
  if (o.nesterov && o.momentum == 0) {
    throw Error(ExitCode::config,
                "sgd: nesterov needs a momentum above 0, found 0; set momentum, 0.9 is usual");
  }
}

class Sgd final : public Optimizer {
 public:
  explicit Sgd(const SgdOptions& options) : options_(options) { check(options); }

  std::string_view type() const override { return "sgd"; }

  std::span<const std::string_view> slots() const override {
    static constexpr std::string_view kNames[] = {"momentum"};
    return std::span(kNames).first(options_.momentum > 0 ? 1 : 0);
  }

  void step(std::span<Real> parameters, std::span<const Real> gradient,
            std::span<const std::span<Real>> state, const Update& update) const override {
    assert(parameters.size() == gradient.size() && state.size() == slots().size());
    if (options_.momentum == 0) return plain(parameters, gradient, update);
    assert(state[0].size() == parameters.size());
    if (options_.nesterov) {
      with_momentum<true>(parameters, gradient, state[0], update);
    } else {
      with_momentum<false>(parameters, gradient, state[0], update);
    }
  }

 private:
  void plain(std::span<Real> parameters, std::span<const Real> gradient,
             const Update& update) const {
    const auto rate = static_cast<Real>(update.learning_rate);
    const auto scale = static_cast<Real>(update.gradient_scale);
    const auto decay = static_cast<Real>(update.decays ? options_.weight_decay : 0);
    Real* w = parameters.data();
    const Real* dw = gradient.data();
    parallel_for_tiles(static_cast<Index>(parameters.size()), kElementTile,
                       [=](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i) {
                           const Real g = scale * dw[i] + decay * w[i];
                           w[i] -= rate * g;
                         }
                       });
  }

  // The state starts at zero, so the first step's v = g needs no case of its own.
  template <bool kNesterov>
  void with_momentum(std::span<Real> parameters, std::span<const Real> gradient,
                     std::span<Real> velocity, const Update& update) const {
    const auto rate = static_cast<Real>(update.learning_rate);
    const auto scale = static_cast<Real>(update.gradient_scale);
    const auto decay = static_cast<Real>(update.decays ? options_.weight_decay : 0);
    const auto momentum = static_cast<Real>(options_.momentum);
    Real* w = parameters.data();
    Real* v = velocity.data();
    const Real* dw = gradient.data();
    parallel_for_tiles(static_cast<Index>(parameters.size()), kElementTile,
                       [=](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i) {
                           const Real g = scale * dw[i] + decay * w[i];
                           v[i] = momentum * v[i] + g;
                           w[i] -= rate * (kNesterov ? g + momentum * v[i] : v[i]);
                         }
                       });
  }

  SgdOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> sgd(const SgdOptions& options) { return std::make_unique<Sgd>(options); }

}  // namespace lockstep
