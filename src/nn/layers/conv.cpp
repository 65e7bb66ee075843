#include "lockstep/kernels/conv.hpp"

#include <fmt/format.h>

#include <limits>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/gradient_blocks.hpp"
#include "nn/inputs.hpp"
#include "nn/window.hpp"

namespace lockstep {
namespace {

/// Convolution over height and width, or over height alone.
class Conv final : public Layer {
 public:
  Conv(std::string_view type, int axes, Index outputs, const ConvOptions& options)
      : type_(type), axes_(axes), outputs_(outputs), options_(options) {
    require_positive(type, "out", outputs);
    require_positive(type, "kernel", options.kernel);
    require_positive(type, "stride", options.stride);
    require_positive(type, "dilation", options.dilation);
    require_positive(type, "groups", options.groups);
  }

  std::string_view type() const override { return type_; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity& capacity) const override {
    const Shape input = only_input(type(), inputs);
    const kernels::Convolution conv = convolution(input);
    check_size(conv, std::max<Index>(capacity.samples, 1));
    LayerPlan plan;
    plan.output = conv.output;
    plan.reads_output = false;
    plan.channels = options_.groups == 1 ? Channels::mixed : Channels::numbered;
    plan.axes = Axes::channels_first;
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
        .input_axis = 2,
        .output_axis = 3,
        .panels = true,
        .initializer = {.kind = options_.weights, .fan_in = weight.rows, .fan_out = fan_out}};
    if (axes_ == 1) {
      spec.shape.erase(spec.shape.begin());
      spec.file_axes = {2, 1, 0};
      spec.input_axis = 1;
      spec.output_axis = 2;
    }
    plan.parameters.push_back(std::move(spec));
    if (options_.bias) {
      plan.parameters.push_back({.name = "bias",
                                 .shape = {outputs_},
                                 .file_axes = {0},
                                 .output_axis = 0,
                                 .initializer = {}});
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
    const LinearGradients gradients(b, 0, options_.bias ? 1 : LinearGradients::kNone);
    kernels::conv_weight_gradient(conv, {b.pass.microbatches, conv.output.positions()}, x.data,
                                  b.output_gradient.data, gradients.blocks(), b.scratch);
    if (Real* const dx = b.input_gradients[0].data; dx != nullptr) {
      kernels::conv_input_gradient(conv, b.pass.samples(), b.output_gradient.data,
                                   b.parameters[0].data(), dx, b.scratch);
    }
  }

 private:
  // Far beyond any memory, and far below what an Index holds.
  void check_size(const kernels::Convolution& conv, Index samples) const {
    constexpr double kMost = 0x1p40;
    const auto extent = [](const kernels::Window& w, Index length) {
      return static_cast<double>(length) + static_cast<double>(w.span()) * 2;
    };
    const double places =
        extent(conv.rows, conv.input.height) * extent(conv.columns, conv.input.width);
    const auto channels = static_cast<double>(std::max(conv.input.channels, conv.output.channels));
    if (places * channels * static_cast<double>(samples) <= kMost) return;
    throw Error(ExitCode::config,
                fmt::format("{}: {} samples with their padding have more than 2^40 numbers; set a "
                            "smaller kernel, dilation or batch",
                            type_, samples));
  }

  [[nodiscard]] kernels::Convolution convolution(const Shape& input) const {
    if (axes_ == 1) require_sequence(type_, input);
    if (input.channels % options_.groups != 0 || outputs_ % options_.groups != 0) {
      throw Error(ExitCode::config,
                  fmt::format("{}: groups must divide input channels and outputs, found {} groups, "
                              "{} channels and {} outputs; set groups to a divisor of both",
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

  [[nodiscard]] kernels::Window window(Index length) const {
    return window_on(
        type_, length,
        {.size = options_.kernel, .stride = options_.stride, .dilation = options_.dilation},
        options_.padding);
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
