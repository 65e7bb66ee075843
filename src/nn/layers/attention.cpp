#include "lockstep/kernels/attention.hpp"

#include <algorithm>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/inputs.hpp"
#include "nn/memory.hpp"
#include "nn/projection.hpp"
#include "nn/rows.hpp"

namespace lockstep {
namespace {

/// x -> (q k v) = x W_in + b_in -> heads side by side -> y = heads W_out + b_out.
class Attention final : public Layer {
 public:
  explicit Attention(const AttentionOptions& options) : options_(options) {
    if (options.heads < 1) {
      throw Error(ExitCode::config, "attention: heads must be at least 1, found " +
                                        std::to_string(options.heads) + "; set heads to 1 or more");
    }
  }

  std::string_view type() const override { return "attention"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity& capacity) const override {
    const Shape input = only_input(type(), inputs);
    const Index channels = input.channels;
    if (channels % options_.heads != 0) {
      throw Error(ExitCode::config, "attention: " + std::to_string(options_.heads) +
                                        " heads do not divide an input of " +
                                        std::to_string(channels) +
                                        " channels; set heads to a divisor of it");
    }
    LayerPlan plan;
    plan.output = input;
    plan.reads_output = false;
    plan.causal = options_.causal;
    plan.channels = Channels::mixed;
    plan.axes = Axes::channels_last;
    plan.parameters.push_back(in(input).weight_spec("in_proj_weight", options_.weights));
    plan.parameters.back().input_axis = 0;
    if (options_.bias) plan.parameters.push_back(in(input).bias_spec("in_proj_bias"));
    plan.parameters.push_back(out(input).weight_spec("out_proj.weight", options_.weights));
    plan.parameters.back().output_axis = 1;
    if (options_.bias) {
      plan.parameters.push_back(out(input).bias_spec("out_proj.bias"));
      plan.parameters.back().output_axis = 0;
    }
    plan.saved = Scratch::size_of<Saved>(*this, input, capacity.samples);
    plan.scratch = Scratch::size_of<Gradients>(*this, input, capacity);
    const auto positions = static_cast<double>(input.positions());
    const auto width = static_cast<double>(channels);
    const double pairs = positions * (options_.causal ? (positions + 1) / 2 : positions);
    plan.multiply_adds = 4 * positions * width * width + 2 * pairs * width;
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Shape& shape = f.output.shape;
    const Index samples = f.pass.samples();
    const Saved saved = carve_saved(f.saved, shape, samples);
    in(shape).forward(f.parameters, f.inputs[0].matrix(samples), saved.qkv, f.scratch);
    kernels::attention_forward(shape_of(shape), saved.qkv, saved.heads, saved.statistics,
                               f.scratch);
    out(shape).forward(f.parameters, saved.heads, f.output.matrix(samples), f.scratch);
  }

  /// Keys and values of the positions before are those of qkv.
  void step(const LayerForward& f, Index position) const override {
    const Shape& shape = f.output.shape;
    const Saved saved = carve_saved(f.saved, shape, 1);
    const Matrix heads = row_of(saved.heads, position);
    in(shape).forward(f.parameters, row_of(f.inputs[0].matrix(1), position),
                      row_of(saved.qkv, position), f.scratch);
    kernels::attention_step(shape_of(shape), saved.qkv, position, heads, f.scratch);
    out(shape).forward(f.parameters, heads, row_of(f.output.matrix(1), position), f.scratch);
  }

  void backward(const LayerBackward& b) const override {
    const Shape& shape = b.output.shape;
    const Index samples = b.pass.samples();
    const Saved saved = carve_saved(b.saved, shape, samples);
    const ConstMatrix dy = b.output_gradient.matrix(samples);
    Scratch memory(b.scratch);
    const auto [dqkv, dheads, scratch] = Gradients(memory, *this, shape, capacity_of(b.pass));
    out(shape).parameter_gradients(b, shape.positions(), saved.heads, dy, scratch);
    out(shape).input_gradient(b.parameters, dy, dheads, scratch);
    kernels::attention_backward(shape_of(shape), saved.qkv, saved.heads, saved.statistics, dheads,
                                dqkv, scratch);
    in(shape).parameter_gradients(b, shape.positions(), b.inputs[0].matrix(samples), dqkv, scratch);
    const Tensor& dx = b.input_gradients[0];
    if (dx.data != nullptr) {
      in(shape).input_gradient(b.parameters, dqkv, dx.matrix(samples), scratch);
    }
  }

 private:
  /// What is kept from forward to backward.
  struct Saved {
    Saved(Scratch& s, const Attention& layer, const Shape& shape, Index samples)
        : qkv(take_matrix(s, samples * shape.positions(), 3 * shape.channels)),
          heads(take_matrix(s, samples * shape.positions(), shape.channels)),
          statistics(s.take<Real>(samples * kernels::attention_statistics(layer.shape_of(shape)))) {
    }

    Matrix qkv;    ///< (rows, 3 C)
    Matrix heads;  ///< (rows, C)
    std::span<Real> statistics;
  };

  [[nodiscard]] Saved carve_saved(std::span<Real> memory, const Shape& shape, Index samples) const {
    Scratch scratch(memory);
    return {scratch, *this, shape, samples};
  }

  /// The memory of backward.
  struct Gradients {
    Gradients(Scratch& s, const Attention& layer, const Shape& shape, const Capacity& capacity)
        : dqkv(take_matrix(s, capacity.samples * shape.positions(), 3 * shape.channels)),
          dheads(take_matrix(s, capacity.samples * shape.positions(), shape.channels)),
          scratch(s.take<Real>(
              std::max({layer.in(shape).scratch(dqkv.rows, capacity),
                        layer.out(shape).scratch(dqkv.rows, capacity),
                        kernels::attention_scratch(layer.shape_of(shape), capacity.threads)}))) {}

    Matrix dqkv;
    Matrix dheads;
    std::span<Real> scratch;  ///< of the products
  };

  [[nodiscard]] kernels::AttentionShape shape_of(const Shape& s) const {
    return {s.positions(), options_.heads, s.channels / options_.heads, options_.causal};
  }
  [[nodiscard]] Projection in(const Shape& s) const {
    return {{s.channels, 3 * s.channels}, 0, options_.bias ? 1 : Projection::kNone};
  }
  [[nodiscard]] Projection out(const Shape& s) const {
    return {{s.channels, s.channels},
            options_.bias ? std::size_t{2} : 1,
            options_.bias ? 3 : Projection::kNone};
  }

  AttentionOptions options_;
};

}  // namespace

std::unique_ptr<Layer> attention(const AttentionOptions& options) {
  return std::make_unique<Attention>(options);
}

}  // namespace lockstep
