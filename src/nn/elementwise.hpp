#pragma once

#include <string_view>

#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layer.hpp"
#include "nn/elementary.hpp"
#include "nn/inputs.hpp"

namespace lockstep {

/// A layer that maps each number on its own and may overwrite it, for the result tells the
/// derivative. `Rule` states its name and two formulas, which may read its members:
///
///     static constexpr std::string_view kType;
///     Real value(Real x) const;                // y
///     Real gradient(Real y, Real dy) const;    // dx
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
    plan.channels = Channels::kept;
    plan.in_place = true;
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
    const Real* y = b.output.data;
    const Real* dy = b.output_gradient.data;
    const Index size = b.pass.samples() * b.output.shape.size();
    parallel_for_tiles(size, kElementTile, [=, rule = rule_](Index begin, Index end) {
      const Rule local = rule;
      for (Index i = begin; i < end; ++i) dx[i] = local.gradient(y[i], dy[i]);
    });
  }

 private:
  Rule rule_;
};

/// The same where the result does not tell the derivative, which forward finds along the way and
/// saves. `Rule`:
///
///     static constexpr std::string_view kType;
///     static Real value(Real x);
///     static elementary::ValueAndSlope with_slope(Real x);
template <typename Rule>
class SavedSlope final : public Layer {
 public:
  std::string_view type() const override { return Rule::kType; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity& capacity) const override {
    LayerPlan plan;
    plan.output = only_input(type(), inputs);
    plan.saved = capacity.samples * plan.output.size();
    plan.causal = true;
    plan.channels = Channels::kept;
    plan.in_place = true;
    plan.reads_output = false;
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Real* x = f.inputs[0].data;
    Real* y = f.output.data;
    Real* slope = f.saved.data();
    const Index size = f.pass.samples() * f.output.shape.size();
    if (!f.pass.training) {
      parallel_for_tiles(size, kElementTile, [=](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) y[i] = Rule::value(x[i]);
      });
      return;
    }
    parallel_for_tiles(size, kElementTile, [=](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const elementary::ValueAndSlope both = Rule::with_slope(x[i]);
        y[i] = both.value;
        slope[i] = both.slope;
      }
    });
  }

  void backward(const LayerBackward& b) const override {
    Real* dx = b.input_gradients[0].data;
    if (dx == nullptr) return;
    const Real* slope = b.saved.data();
    const Real* dy = b.output_gradient.data;
    const Index size = b.pass.samples() * b.output.shape.size();
    parallel_for_tiles(size, kElementTile, [=](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) dx[i] = dy[i] * slope[i];
    });
  }
};

}  // namespace lockstep
