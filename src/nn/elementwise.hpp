#pragma once

#include <string_view>

#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layer.hpp"
#include "nn/inputs.hpp"

namespace lockstep {

/// A layer that maps each number on its own. `Rule` states its name and two formulas, which may
/// read its members:
///
///     static constexpr std::string_view kType;
///     Real value(Real x) const;                        // y
///     Real gradient(Real x, Real y, Real dy) const;    // dx
///     static constexpr bool kInPlace;                  // true if gradient does not read x
///
/// An element's bits depend on the element alone, not on its place.
template <typename Rule>
class Elementwise final : public Layer {
 public:
  explicit Elementwise(Rule rule = {}) : rule_(rule) {}

  std::string_view type() const override { return Rule::kType; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity&) const override {
    LayerPlan plan;
    plan.output = only_input(type(), inputs);
    plan.causal = true;
    plan.in_place = Rule::kInPlace;
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Real* x = f.inputs[0].data;
    Real* y = f.output.data;
    const Index size = f.pass.samples() * f.output.shape.size();
    parallel_for_tiles(size, kElementTile, [=, rule = rule_](Index begin, Index end) {
      const Rule local = rule;  // nothing that is written can change it
      for (Index i = begin; i < end; ++i) y[i] = local.value(x[i]);
    });
  }

  void backward(const LayerBackward& b) const override {
    Real* dx = b.input_gradients[0].data;
    if (dx == nullptr) return;
    const Real* x = b.inputs[0].data;
    const Real* y = b.output.data;
    const Real* dy = b.output_gradient.data;
    const Index size = b.pass.samples() * b.output.shape.size();
    parallel_for_tiles(size, kElementTile, [=, rule = rule_](Index begin, Index end) {
      const Rule local = rule;
      for (Index i = begin; i < end; ++i) dx[i] = local.gradient(x[i], y[i], dy[i]);
    });
  }

 private:
  Rule rule_;
};

}  // namespace lockstep
