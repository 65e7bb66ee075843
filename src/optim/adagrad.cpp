#include <cassert>
#include <cmath>

#include "lockstep/base/parallel.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "optim/option_checks.hpp"

namespace lockstep {
namespace {

class Adagrad final : public Optimizer {
 public:
  explicit Adagrad(const AdagradOptions& options) : options_(options) {
    check_positive(type(), "epsilon", options.epsilon, "1e-10");
    check_weight_decay(type(), options.weight_decay);
  }

  std::string_view type() const override { return "adagrad"; }

  std::span<const std::string_view> slots() const override {
    static constexpr std::string_view kNames[] = {"sum"};
    return kNames;
  }

  void step(std::span<Real> parameters, std::span<const Real> gradient,
            std::span<const std::span<Real>> state, const Update& update) const override {
    assert(parameters.size() == gradient.size() && state.size() == 1);
    const auto rate = static_cast<Real>(update.learning_rate);
    const auto scale = static_cast<Real>(update.gradient_scale);
    const auto decay = static_cast<Real>(update.decays ? options_.weight_decay : 0);
    const auto epsilon = static_cast<Real>(options_.epsilon);
    Real* w = parameters.data();
    Real* s = state[0].data();
    const Real* dw = gradient.data();
    parallel_for_tiles(static_cast<Index>(parameters.size()), kElementTile,
                       [=](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i) {
                           const Real g = scale * dw[i] + decay * w[i];
                           s[i] += g * g;
                           w[i] -= rate * g / (std::sqrt(s[i]) + epsilon);
                         }
                       });
  }

 private:
  AdagradOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> adagrad(const AdagradOptions& options) {
  return std::make_unique<Adagrad>(options);
}

}  // namespace lockstep
