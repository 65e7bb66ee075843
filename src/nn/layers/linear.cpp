#include "lockstep/kernels/linear.hpp"

#include <cstdint>
#include <limits>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/gradient_blocks.hpp"
#include "nn/inputs.hpp"

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
    plan.parameters.push_back(
        {.name = "weight",
         .shape = {input.channels, outputs_},
         .file_axes = {1, 0},
         .panels = true,
         .initializer = {.kind = options_.weights, .fan_in = input.channels, .fan_out = outputs_}});
    if (options_.bias) {
      plan.parameters.push_back(
          {.name = "bias", .shape = {outputs_}, .file_axes = {0}, .initializer = {}});
    }
    plan.scratch =
        kernels::linear_scratch(capacity.samples * input.positions(), capacity.microbatches,
                                {input.channels, outputs_}, capacity.threads);
    plan.multiply_adds = static_cast<double>(input.positions()) *
                         static_cast<double>(input.channels) * static_cast<double>(outputs_);
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const ConstTensor& x = f.inputs[0];
    const Index samples = f.pass.samples();
    kernels::linear_forward(x.matrix(samples), weight(f.parameters, x.shape),
                            options_.bias ? f.parameters[1] : std::span<const Real>{},
                            f.output.matrix(samples), f.scratch);
  }

  void backward(const LayerBackward& b) const override {
    const ConstTensor& x = b.inputs[0];
    const Index samples = b.pass.samples();
    const kernels::RowBlocks rows{b.pass.microbatches, x.shape.positions()};
    const ConstMatrix dy = b.output_gradient.matrix(samples);

    const LinearGradients gradients(b, options_.bias);
    kernels::linear_weight_gradient(rows, x.matrix(samples), dy, gradients.blocks(), b.scratch);

    const Tensor& dx = b.input_gradients[0];
    if (dx.data != nullptr) {
      kernels::linear_input_gradient(dy, weight(b.parameters, x.shape), dx.matrix(samples),
                                     b.scratch);
    }
  }

 private:
  [[nodiscard]] kernels::Weight weight(std::span<const std::span<const Real>> parameters,
                                       const Shape& input) const {
    return {parameters[0].data(), {input.channels, outputs_}};
  }

  Index outputs_;
  LinearOptions options_;
};

}  // namespace

std::unique_ptr<Layer> linear(Index outputs, const LinearOptions& options) {
  return std::make_unique<Linear>(outputs, options);
}

}  // namespace lockstep
