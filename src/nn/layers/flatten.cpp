#include <algorithm>

#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/inputs.hpp"

namespace lockstep {
namespace {

void copy(const Real* from, Real* to, Index size) {
  if (from == to) return;
  parallel_for_tiles(size, kElementTile, [=](Index begin, Index end) {
    std::copy(from + begin, from + end, to + begin);
  });
}

/// (H, W, C) and (1, 1, H W C) lie in memory alike.
class Flatten final : public Layer {
 public:
  std::string_view type() const override { return "flatten"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity&) const override {
    LayerPlan plan;
    plan.output = {1, 1, only_input(type(), inputs).size()};
    plan.in_place = true;
    plan.reads_output = false;
    return plan;
  }

  void forward(const LayerForward& f) const override {
    copy(f.inputs[0].data, f.output.data, f.pass.samples() * f.output.shape.size());
  }

  void backward(const LayerBackward& b) const override {
    Real* dx = b.input_gradients[0].data;
    if (dx == nullptr) return;
    copy(b.output_gradient.data, dx, b.pass.samples() * b.output.shape.size());
  }
};

}  // namespace

std::unique_ptr<Layer> flatten() { return std::make_unique<Flatten>(); }

}  // namespace lockstep
