#include "lockstep/nn/layers.hpp"
#include "nn/copy.hpp"
#include "nn/inputs.hpp"

namespace lockstep {
namespace {

/// (H, W, C) and (1, 1, H W C) lie in memory alike.
class Flatten final : public Layer {
 public:
  std::string_view type() const override { return "flatten"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity&) const override {
    LayerPlan plan;
    plan.output = {1, 1, only_input(type(), inputs).size()};
    plan.channels = Channels::flattened;
    plan.in_place = true;
    plan.reads_output = false;
    return plan;
  }

  void forward(const LayerForward& f) const override {
    copy_numbers(f.inputs[0].data, f.output.data, f.pass.samples() * f.output.shape.size());
  }

  void backward(const LayerBackward& b) const override {
    Real* dx = b.input_gradients[0].data;
    if (dx == nullptr) return;
    copy_numbers(b.output_gradient.data, dx, b.pass.samples() * b.output.shape.size());
  }
};

}  // namespace

std::unique_ptr<Layer> flatten() { return std::make_unique<Flatten>(); }

}  // namespace lockstep
