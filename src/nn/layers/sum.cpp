#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/copy.hpp"
#include "nn/inputs.hpp"

namespace lockstep {
namespace {

/// y = ((a + b) + c) + ..., and every dx = dy.
class Sum final : public Layer {
 public:
  std::string_view type() const override { return "sum"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity&) const override {
    LayerPlan plan;
    plan.output = first_of_several(type(), inputs);
    for (const Shape& s : inputs) {
      if (s == plan.output) continue;
      throw Error(ExitCode::config, "sum: expected inputs of one shape, found " +
                                        shape_text(plan.output) + " and " + shape_text(s) +
                                        "; let a linear or conv2d layer make them equal");
    }
    plan.in_place = true;
    plan.causal = true;
    plan.channels = Channels::kept;
    plan.reads_output = false;
    return plan;
  }

  void forward(const LayerForward& f) const override {
    Real* y = f.output.data;
    const Index size = f.pass.samples() * f.output.shape.size();
    parallel_for_tiles(size, kElementTile, [&](Index begin, Index end) {
      const Real* a = f.inputs[0].data;
      for (const ConstTensor& input : f.inputs.subspan(1)) {
        const Real* b = input.data;
        for (Index i = begin; i < end; ++i) y[i] = a[i] + b[i];
        a = y;
      }
    });
  }

  void backward(const LayerBackward& b) const override {
    const Index size = b.pass.samples() * b.output.shape.size();
    for (const Tensor& dx : b.input_gradients) {
      if (dx.data != nullptr) copy_numbers(b.output_gradient.data, dx.data, size);
    }
  }
};

}  // namespace

std::unique_ptr<Layer> sum() { return std::make_unique<Sum>(); }

}  // namespace lockstep
