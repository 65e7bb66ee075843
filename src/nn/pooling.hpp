#pragma once

#include <algorithm>

#include "lockstep/base/parallel.hpp"
#include "lockstep/base/scratch.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/inputs.hpp"
#include "nn/window.hpp"

namespace lockstep {

/// A layer that makes one number of each window and channel. `Rule` states how, for the channels of
/// one window:
///
///     static void start(Real* y, Index channels);
///     static void see(const Real* x, Real* y, Index channels);    // one place after the other
///     static void end(Real* y, Index channels, Real share);       // share = 1 / places
///     /// Adds to dx; `left` has the gradients that no place has taken yet, at first dy.
///     static void backward(const Real* x, const Real* y, Real* left, Real* dx, Index channels,
///                           Real share);
///
/// A sample's numbers depend on the sample alone.
template <typename Rule>
class Pooling final : public Layer {
 public:
  Pooling(std::string_view type, int axes, const PoolOptions& options)
      : type_(type),
        axes_(axes),
        options_(options),
        stride_(options.stride.value_or(options.kernel)) {
    require_positive(type, "kernel", options.kernel);
    require_positive(type, "stride", stride_);
  }

  std::string_view type() const override { return type_; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity& capacity) const override {
    const Shape input = only_input(type(), inputs);
    if (axes_ == 1) require_sequence(type_, input);
    LayerPlan plan;
    plan.output = {rows(input).positions(input.height), columns(input).positions(input.width),
                   input.channels};
    plan.channels = Channels::kept;
    plan.axes = Axes::channels_first;
    plan.scratch = capacity.threads * aligned<Real>(input.channels);
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Grid grid{f.inputs[0].shape, f.output.shape, rows(f.inputs[0].shape),
                    columns(f.inputs[0].shape)};
    const Index channels = grid.input.channels;
    parallel_for(f.pass.samples() * grid.output.height, [&](Index line) {
      const Index sample = line / grid.output.height;
      const Real* const x = f.inputs[0].data + sample * grid.input.size();
      Real* y = f.output.data + line * grid.output.width * channels;
      for (Index j = 0; j < grid.output.width; ++j, y += channels) {
        Rule::start(y, channels);
        grid.for_each_place(line % grid.output.height, j,
                            [&](Index at) { Rule::see(x + at, y, channels); });
        Rule::end(y, channels, grid.share());
      }
    });
  }

  void backward(const LayerBackward& b) const override {
    if (b.input_gradients[0].data == nullptr) return;
    const Grid grid{b.inputs[0].shape, b.output.shape, rows(b.inputs[0].shape),
                    columns(b.inputs[0].shape)};
    const Index channels = grid.input.channels;
    parallel_for(b.pass.samples(), [&](Index sample) {
      Real* const left = scratch_of_thread(b.scratch).data();
      const Real* const x = b.inputs[0].data + sample * grid.input.size();
      Real* const dx = b.input_gradients[0].data + sample * grid.input.size();
      const Real* y = b.output.data + sample * grid.output.size();
      const Real* dy = b.output_gradient.data + sample * grid.output.size();
      std::fill_n(dx, grid.input.size(), Real{0});
      for (Index i = 0; i < grid.output.height; ++i) {
        for (Index j = 0; j < grid.output.width; ++j, y += channels, dy += channels) {
          std::copy_n(dy, channels, left);
          grid.for_each_place(i, j, [&](Index at) {
            Rule::backward(x + at, y, left, dx + at, channels, grid.share());
          });
        }
      }
    });
  }

 private:
  struct Grid {
    Shape input;
    Shape output;
    kernels::Window rows;
    kernels::Window columns;

    [[nodiscard]] Real share() const {
      return Real{1} / static_cast<Real>(rows.size * columns.size);
    }

    /// Calls visit(where its channels begin in the image) for each place of window (i, j) that lies
    /// within the image.
    template <typename Visit>
    void for_each_place(Index i, Index j, const Visit& visit) const {
      const Index top = i * rows.stride - rows.before;
      const Index left = j * columns.stride - columns.before;
      const Index bottom = std::min(top + rows.size, input.height);
      const Index right = std::min(left + columns.size, input.width);
      for (Index row = std::max<Index>(top, 0); row < bottom; ++row) {
        for (Index column = std::max<Index>(left, 0); column < right; ++column) {
          visit((row * input.width + column) * input.channels);
        }
      }
    }
  };

  [[nodiscard]] kernels::Window rows(const Shape& input) const {
    return window_on(type_, input.height, {.size = options_.kernel, .stride = stride_},
                     options_.padding);
  }
  [[nodiscard]] kernels::Window columns(const Shape& input) const {
    if (axes_ == 1) return {};
    return window_on(type_, input.width, {.size = options_.kernel, .stride = stride_},
                     options_.padding);
  }

  std::string_view type_;
  int axes_;
  PoolOptions options_;
  Index stride_;
};

}  // namespace lockstep
