#include <algorithm>

#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/inputs.hpp"

namespace lockstep {
namespace {

/// Sums run over the positions in their order.
class GlobalAvgPool final : public Layer {
 public:
  std::string_view type() const override { return "global_avg_pool"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity&) const override {
    LayerPlan plan;
    plan.output = {1, 1, only_input(type(), inputs).channels};
    plan.channels = Channels::kept;
    plan.reads_output = false;
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Shape shape = f.inputs[0].shape;
    const Real share = Real{1} / static_cast<Real>(shape.positions());
    parallel_for(f.pass.samples(), [&](Index sample) {
      const Real* x = f.inputs[0].data + sample * shape.size();
      Real* const y = f.output.data + sample * shape.channels;
      std::fill_n(y, shape.channels, Real{0});
      for (Index i = 0; i < shape.positions(); ++i, x += shape.channels) {
        for (Index c = 0; c < shape.channels; ++c) y[c] += x[c];
      }
      for (Index c = 0; c < shape.channels; ++c) y[c] *= share;
    });
  }

  void backward(const LayerBackward& b) const override {
    if (b.input_gradients[0].data == nullptr) return;
    const Shape shape = b.inputs[0].shape;
    const Real share = Real{1} / static_cast<Real>(shape.positions());
    parallel_for(b.pass.samples(), [&](Index sample) {
      Real* dx = b.input_gradients[0].data + sample * shape.size();
      const Real* const dy = b.output_gradient.data + sample * shape.channels;
      for (Index i = 0; i < shape.positions(); ++i, dx += shape.channels) {
        for (Index c = 0; c < shape.channels; ++c) dx[c] = dy[c] * share;
      }
    });
  }
};

}  // namespace

std::unique_ptr<Layer> global_avg_pool() { return std::make_unique<GlobalAvgPool>(); }

}  // namespace lockstep
