#include <cstdint>
#include <limits>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/inputs.hpp"
#include "nn/projection.hpp"

namespace lockstep {
namespace {

class Linear final : public Layer {
 public:
  Linear(Index outputs, const LinearOptions& options) : outputs_(outputs), options_(options) {
    if (outputs < 1) {
      throw Error(ExitCode::config, "linear: outputs must be at least 1, found " +
                                        std::to_string(outputs) + "; set outputs to 1 or more");
    }
  }

  std::string_view type() const override { return "linear"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity& capacity) const override {
    const Shape input = only_input(type(), inputs);
    if (outputs_ > std::numeric_limits<std::int32_t>::max() / input.channels) {
      throw Error(ExitCode::config, "linear: a weight of " + std::to_string(input.channels) +
                                        " x " + std::to_string(outputs_) +
                                        " has more than 2^31 numbers; set fewer outputs");
    }
    LayerPlan plan;
    plan.output = {input.height, input.width, outputs_};
    plan.reads_output = false;
    plan.causal = true;
    plan.channels = Channels::mixed;
    const Projection product = projection(input);
    plan.parameters.push_back(product.weight_spec("weight", options_.weights));
    if (options_.bias) plan.parameters.push_back(product.bias_spec("bias"));
    plan.parameters.front().input_axis = 0;
    plan.parameters.front().output_axis = 1;
    if (options_.bias) plan.parameters.back().output_axis = 0;
    plan.scratch = product.scratch(capacity.samples * input.positions(), capacity);
    plan.multiply_adds = static_cast<double>(input.positions()) *
                         static_cast<double>(input.channels) * static_cast<double>(outputs_);
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const ConstTensor& x = f.inputs[0];
    const Index samples = f.pass.samples();
    projection(x.shape).forward(f.parameters, x.matrix(samples), f.output.matrix(samples),
                                f.scratch);
  }

  void backward(const LayerBackward& b) const override {
    const ConstTensor& x = b.inputs[0];
    const Index samples = b.pass.samples();
    const ConstMatrix dy = b.output_gradient.matrix(samples);
    const Projection product = projection(x.shape);
    product.parameter_gradients(b, x.shape.positions(), x.matrix(samples), dy, b.scratch);
    const Tensor& dx = b.input_gradients[0];
    if (dx.data != nullptr) {
      product.input_gradient(b.parameters, dy, dx.matrix(samples), b.scratch);
    }
  }

 private:
  [[nodiscard]] Projection projection(const Shape& input) const {
    return {.layout = {input.channels, outputs_},
            .weight = 0,
            .bias = options_.bias ? 1 : Projection::kNone};
  }

  Index outputs_;
  LinearOptions options_;
};

}  // namespace

std::unique_ptr<Layer> linear(Index outputs, const LinearOptions& options) {
  return std::make_unique<Linear>(outputs, options);
}

}  // namespace lockstep
