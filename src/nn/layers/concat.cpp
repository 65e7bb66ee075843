#include <algorithm>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/inputs.hpp"
#include "nn/rows.hpp"

namespace lockstep {
namespace {

/// Each row of the output holds the rows of the inputs one after the other.
class Concat final : public Layer {
 public:
  std::string_view type() const override { return "concat"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity&) const override {
    LayerPlan plan;
    plan.output = first_of_several(type(), inputs);
    plan.output.channels = 0;
    plan.reads_output = false;
    plan.causal = true;
    plan.channels = Channels::joined;
    for (const Shape& s : inputs) {
      if (s.height != inputs[0].height || s.width != inputs[0].width) {
        throw Error(ExitCode::config, "concat: expected inputs of one height and width, found " +
                                          shape_text(inputs[0]) + " and " + shape_text(s) +
                                          "; let pooling or a stride make them equal");
      }
      plan.output.channels += s.channels;
    }
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Index columns = f.output.shape.channels;
    parallel_for_rows(f.pass.samples() * f.output.shape.positions(), columns, [&](Index row) {
      Real* y = f.output.data + row * columns;
      for (const ConstTensor& x : f.inputs) {
        y = std::copy_n(x.data + row * x.shape.channels, x.shape.channels, y);
      }
    });
  }

  void backward(const LayerBackward& b) const override {
    const Index columns = b.output.shape.channels;
    parallel_for_rows(b.pass.samples() * b.output.shape.positions(), columns, [&](Index row) {
      const Real* dy = b.output_gradient.data + row * columns;
      for (const Tensor& dx : b.input_gradients) {
        const Index width = dx.shape.channels;
        if (dx.data != nullptr) std::copy_n(dy, width, dx.data + row * width);
        dy += width;
      }
    });
  }
};

}  // namespace

std::unique_ptr<Layer> concat() { return std::make_unique<Concat>(); }

}  // namespace lockstep
