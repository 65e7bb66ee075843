#include <array>
#include <limits>

#include "lockstep/base/lane_sum.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/elementary.hpp"
#include "nn/inputs.hpp"
#include "nn/rows.hpp"

namespace lockstep {
namespace {

// The largest of `count` numbers; NaN is passed over, for exp finds it again.
Real largest(const Real* x, Index count) {
  constexpr Index kLanes = 16;
  std::array<Real, kLanes> lanes;
  lanes.fill(-std::numeric_limits<Real>::infinity());
  const Index whole = count - count % kLanes;
  for (Index i = 0; i < whole; i += kLanes) {
    for (Index l = 0; l < kLanes; ++l) {
      Real& lane = lanes[static_cast<std::size_t>(l)];
      lane = x[i + l] > lane ? x[i + l] : lane;
    }
  }
  for (Index i = whole; i < count; ++i) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  Real most = lanes[0];
  for (const Real lane : lanes) most = lane > most ? lane : most;
  return most;
}

/// With e_j = exp(x_j - max x): y_j = e_j / sum e, dx_j = y_j (dy_j - sum_i dy_i y_i).
class Softmax final : public Layer {
 public:
  std::string_view type() const override { return "softmax"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity&) const override {
    LayerPlan plan;
    plan.output = only_input(type(), inputs);
    plan.causal = true;
    plan.channels = Channels::kept;
    plan.in_place = true;
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Index columns = f.output.shape.channels;
    parallel_for_rows(f.pass.samples() * f.output.shape.positions(), columns, [&](Index row) {
      const Real* x = f.inputs[0].data + row * columns;
      Real* y = f.output.data + row * columns;
      const Real most = largest(x, columns);
      for (Index j = 0; j < columns; ++j) y[j] = elementary::exp(x[j] - most);
      const double sum = lane_sum(columns, [=](Index j) { return static_cast<double>(y[j]); });
      const auto share = static_cast<Real>(1 / sum);
      for (Index j = 0; j < columns; ++j) y[j] *= share;
    });
  }

  void backward(const LayerBackward& b) const override {
    if (b.input_gradients[0].data == nullptr) return;
    const Index columns = b.output.shape.channels;
    parallel_for_rows(b.pass.samples() * b.output.shape.positions(), columns, [&](Index row) {
      const Real* y = b.output.data + row * columns;
      const Real* dy = b.output_gradient.data + row * columns;
      Real* dx = b.input_gradients[0].data + row * columns;
      const auto mean = static_cast<Real>(lane_sum(columns, [=](Index j) {
        return static_cast<double>(dy[j]) * static_cast<double>(y[j]);
      }));
      for (Index j = 0; j < columns; ++j) dx[j] = y[j] * (dy[j] - mean);
    });
  }
};

}  // namespace

std::unique_ptr<Layer> softmax() { return std::make_unique<Softmax>(); }

}  // namespace lockstep
