#pragma once

#include <string_view>

#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layer.hpp"
#include "nn/inputs.hpp"

namespace lockstep {

/// A layer that maps each number on its own. `Rule` states its name and two formulas:
///
///     static constexpr std::string_view kType;
///     static Real value(Real x);                       // y
///     static Real gradient(Real x, Real y, Real dy);   // dx
///     static constexpr bool kInPlace;                  // true if gradient does not read x
///
/// An element's bits depend on the element alone, not on its place.
template <typename Rule>
class Elementwise final : public Layer {
 public:
  std::string_view type() const override { return Rule::kType; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity&) const override {
    LayerPlan plan;
    plan.output = only_input(type(), inputs);
    plan.in_place = Rule::kInPlace;
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Real* x = f.inputs[0].data;
    Real* y = f.output.data;
    const Index size = f.pass.samples() * f.output.shape.size();
    parallel_for_tiles(size, kElementTile, [=](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) y[i] = Rule::value(x[i]);
    });
  }

  void backward(const LayerBackward& b) const override {
    Real* dx = b.input_gradients[0].data;
    if (dx == nullptr) return;
    const Real* x = b.inputs[0].data;
    const Real* y = b.output.data;
    const Real* dy = b.output_gradient.data;
    const Index size = b.pass.samples() * b.output.shape.size();
    parallel_for_tiles(size, kElementTile, [=](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) dx[i] = Rule::gradient(x[i], y[i], dy[i]);
    });
  }
};

}  // namespace lockstep
