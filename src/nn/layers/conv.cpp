#include "lockstep/kernels/conv.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/gradient_blocks.hpp"
#include "nn/inputs.hpp"

namespace lockstep {
namespace {

/// Convolution over height and width, or over height alone.
class Conv final : public Layer {
 public:
  Conv(std::string_view type, int axes, Index outputs, const ConvOptions& options)
      : type_(type), axes_(axes), outputs_(outputs), options_(options) {
    check("out", outputs);
    check("kernel", options.kernel);
    check("stride", options.stride);
    check("dilation", options.dilation);
    check("groups", options.groups);
  }

  std::string_view type() const override { return type_; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity& capacity) const override {
    const Shape input = only_input(type(), inputs);
    const kernels::Convolution conv = convolution(input);
    LayerPlan plan;
    plan.output = conv.output;
    plan.reads_output = false;
    const kernels::PanelLayout weight = conv.weight();
    if (weight.rows > std::numeric_limits<std::int32_t>::max() / outputs_) {
      throw Error(ExitCode::config,
                  fmt::format("{}: a weight of {} x {} has more than 2^31 numbers; set fewer "
                              "outputs or a smaller kernel",
                              type_, weight.rows, outputs_));
    }
    const Index fan_out = weight.rows / conv.inputs() * conv.outputs();
    ParameterSpec spec{
        .name = "weight",
        .shape = {options_.kernel, options_.kernel, conv.inputs(), outputs_},
        .file_axes = {3, 2, 0, 1},
        .panels = true,
        .initializer = {.kind = options_.weights, .fan_in = weight.rows, .fan_out = fan_out}};
    if (axes_ == 1) {
      spec.shape.erase(spec.shape.begin());
      spec.file_axes = {2, 1, 0};
    }
    plan.parameters.push_back(std::move(spec));
    if (options_.bias) {
      plan.parameters.push_back(
          {.name = "bias", .shape = {outputs_}, .file_axes = {0}, .initializer = {}});
    }
    plan.scratch =
        kernels::conv_scratch(conv, capacity.samples, capacity.microbatches, capacity.threads);
    plan.multiply_adds = static_cast<double>(conv.output.positions()) *
                         static_cast<double>(weight.rows) * static_cast<double>(outputs_);
    return plan;
  }

  void forward(const LayerForward& f) const override {
    kernels::conv_forward(
        convolution(f.inputs[0].shape), f.pass.samples(), f.inputs[0].data, f.parameters[0].data(),
        options_.bias ? f.parameters[1] : std::span<const Real>{}, f.output.data, f.scratch);
  }

  void backward(const LayerBackward& b) const override {
    const ConstTensor& x = b.inputs[0];
    const kernels::Convolution conv = convolution(x.shape);
    const LinearGradients gradients(b, options_.bias);
    kernels::conv_weight_gradient(conv, {b.pass.microbatches, conv.output.positions()}, x.data,
                                  b.output_gradient.data, gradients.blocks(), b.scratch);
    if (Real* const dx = b.input_gradients[0].data; dx != nullptr) {
      kernels::conv_input_gradient(conv, b.pass.samples(), b.output_gradient.data,
                                   b.parameters[0].data(), dx, b.scratch);
    }
  }

 private:
  void check(std::string_view key, Index value) const {
    if (value >= 1) return;
    throw Error(ExitCode::config, fmt::format("{}: {} must be at least 1, found {}; set {} to 1 or "
                                              "more",
                                              type_, key, value, key));
  }

  [[nodiscard]] kernels::Convolution convolution(const Shape& input) const {
    if (axes_ == 1 && input.width != 1) {
      throw Error(ExitCode::config,
                  fmt::format("{}: expected a sequence (T, 1, C), found {}x{}x{}; use conv2d",
                              type_, input.height, input.width, input.channels));
    }
    if (input.channels % options_.groups != 0 || outputs_ % options_.groups != 0) {
      throw Error(ExitCode::config,
                  fmt::format("{}: groups must divide input channels and outputs, found {} groups, "
                              "{} channels and {} outputs",
                              type_, options_.groups, input.channels, outputs_));
    }
    kernels::Convolution conv{.input = input,
                              .output = {},
                              .rows = window(input.height),
                              .columns = axes_ == 1 ? kernels::Window{} : window(input.width),
                              .groups = options_.groups};
    conv.output = {conv.rows.positions(input.height), conv.columns.positions(input.width),
                   outputs_};
    return conv;
  }

  /// The window along an axis of `length`.
  [[nodiscard]] kernels::Window window(Index length) const {
    kernels::Window w{
        .size = options_.kernel, .stride = options_.stride, .dilation = options_.dilation};
    if (options_.padding) {
      w.before = w.after = *options_.padding;
    } else {
      const Index positions = (length + w.stride - 1) / w.stride;
      const Index zeros = std::max<Index>((positions - 1) * w.stride + w.span() - length, 0);
      w.before = zeros / 2;
      w.after = zeros - w.before;
    }
    if (w.before < 0 || w.before >= w.span()) {
      throw Error(ExitCode::config,
                  fmt::format("{}: pad must be at least 0 and below the window's {} places, found "
                              "{}",
                              type_, w.span(), w.before));
    }
    if (w.positions(length) < 1) {
      throw Error(ExitCode::config,
                  fmt::format("{}: a window of {} places does not fit {} places with {} zeros; set "
                              "a smaller kernel or more padding",
                              type_, w.span(), length, w.before + w.after));
    }
    return w;
  }

  std::string_view type_;
  int axes_;
  Index outputs_;
  ConvOptions options_;
};

}  // namespace

std::unique_ptr<Layer> conv2d(Index outputs, const ConvOptions& options) {
  return std::make_unique<Conv>("conv2d", 2, outputs, options);
}

std::unique_ptr<Layer> conv1d(Index outputs, const ConvOptions& options) {
  return std::make_unique<Conv>("conv1d", 1, outputs, options);
}

}  // namespace lockstep
