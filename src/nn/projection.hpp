#pragma once

#include <span>
#include <string>

#include "lockstep/kernels/linear.hpp"
#include "lockstep/nn/layer.hpp"
#include "nn/gradient_blocks.hpp"

namespace lockstep {

/// One product y = x W + b within a layer: where its weight and bias stand among the layer's
/// parameters.
struct Projection {
  static constexpr std::size_t kNone = LinearGradients::kNone;

  kernels::PanelLayout layout;  ///< (in, out)
  std::size_t weight = 0;
  std::size_t bias = kNone;

  [[nodiscard]] kernels::Weight values(std::span<const std::span<const Real>> parameters) const {
    return {parameters[weight].data(), layout};
  }

  void forward(std::span<const std::span<const Real>> parameters, ConstMatrix x, Matrix y,
               std::span<Real> scratch) const {
    kernels::linear_forward(x, values(parameters),
                            bias == kNone ? std::span<const Real>{} : parameters[bias], y, scratch);
  }

  /// Sets the gradients of weight and bias in every block; a sample has `positions` rows.
  void parameter_gradients(const LayerBackward& b, Index positions, ConstMatrix x, ConstMatrix dy,
                           std::span<Real> scratch) const {
    const LinearGradients gradients(b, weight, bias);
    kernels::linear_weight_gradient({b.pass.microbatches, positions}, x, dy, gradients.blocks(),
                                    scratch);
  }

  void input_gradient(std::span<const std::span<const Real>> parameters, ConstMatrix dy, Matrix dx,
                      std::span<Real> scratch) const {
    kernels::linear_input_gradient(dy, values(parameters), dx, scratch);
  }

  /// The weight as files hold it: (out, in).
  [[nodiscard]] ParameterSpec weight_spec(std::string name, Initializer::Kind kind) const {
    return {.name = std::move(name),
            .shape = {layout.rows, layout.columns},
            .file_axes = {1, 0},
            .panels = true,
            .initializer = {.kind = kind, .fan_in = layout.rows, .fan_out = layout.columns}};
  }
  /// The bias, zero at first.
  [[nodiscard]] ParameterSpec bias_spec(std::string name) const {
    return {
        .name = std::move(name), .shape = {layout.columns}, .file_axes = {0}, .initializer = {}};
  }
  /// Numbers of scratch of each of the three for `rows` rows.
  [[nodiscard]] Index scratch(Index rows, const Capacity& capacity) const {
    return kernels::linear_scratch(rows, capacity.microbatches, layout, capacity.threads);
  }
};

}  // namespace lockstep
