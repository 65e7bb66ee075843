#pragma once

#include <cmath>

#include "lockstep/base/lane_sum.hpp"
#include "nn/channel_gradients.hpp"
#include "nn/inputs.hpp"
#include "nn/rows.hpp"

namespace lockstep {

/// Normalisation of each position over its channels: n = (x - mean) / sqrt(variance + epsilon),
/// y = n weight + bias; or, if not kCentred, n = x / sqrt(mean square + epsilon), y = n weight.
/// With g = dy weight: dx = (g - mean(g) - n mean(g n)) / sqrt(variance + epsilon), where mean(g)
/// counts only if kCentred.
/// Sums run in double, in the order of lane_sum.
/// Saved: mean and 1 / sqrt(variance + epsilon) of each row.
template <bool kCentred>
class RowNorm final : public Layer {
 public:
  explicit RowNorm(double epsilon) : epsilon_(epsilon) { require_epsilon(type(), epsilon); }

  std::string_view type() const override { return kCentred ? "layer_norm" : "rms_norm"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity& capacity) const override {
    LayerPlan plan;
    plan.output = only_input(type(), inputs);
    plan.causal = true;
    plan.channels = Channels::kept;
    plan.reads_output = false;
    plan.parameters = channel_parameters(plan.output.channels, kCentred);
    plan.saved = 2 * capacity.samples * plan.output.positions();
    plan.scratch = Scratch::size_of<ChannelGradientScratch>(
        static_cast<Index>(kParameters) * plan.output.channels, capacity.microbatches);
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Index columns = f.output.shape.channels;
    const Real* weight = f.parameters[0].data();
    const Real* bias = kCentred ? f.parameters[1].data() : nullptr;
    parallel_for_rows(f.pass.samples() * f.output.shape.positions(), columns, [&](Index row) {
      const Real* x = f.inputs[0].data + row * columns;
      Real* y = f.output.data + row * columns;
      const Row r = statistics(x, columns);
      f.saved[static_cast<std::size_t>(2 * row)] = r.mean;
      f.saved[static_cast<std::size_t>(2 * row + 1)] = r.scale;
      for (Index c = 0; c < columns; ++c) {
        const Real scaled = (x[c] - r.mean) * r.scale * weight[c];
        y[c] = kCentred ? scaled + bias[c] : scaled;
      }
    });
  }

  void backward(const LayerBackward& b) const override {
    const Index columns = b.output.shape.channels;
    const Index positions = b.output.shape.positions();
    if (b.input_gradients[0].data != nullptr) {
      parallel_for_rows(b.pass.samples() * positions, columns,
                        [&](Index row) { input_gradient(b, row, columns); });
    }
    sum_channel_gradients<kParameters>(
        b, columns, [&](const Microbatch& m, Index begin, Index end, auto& out) {
          for (Index row = m.first_row * positions; row < (m.first_row + m.rows) * positions;
               ++row) {
            const Real* x = b.inputs[0].data + row * columns + begin;
            const Real* dy = b.output_gradient.data + row * columns + begin;
            const Row r = saved_row(b.saved, row);
            for (Index c = 0; c < end - begin; ++c) {
              const auto i = static_cast<std::size_t>(c);
              out[0][i] += dy[c] * ((x[c] - r.mean) * r.scale);
              if constexpr (kCentred) out[1][i] += dy[c];
            }
          }
        });
  }

 private:
  static constexpr std::size_t kParameters = kCentred ? 2 : 1;

  struct Row {
    Real mean;
    Real scale;  ///< 1 / sqrt(variance + epsilon)
  };

  [[nodiscard]] Row statistics(const Real* x, Index columns) const {
    const auto count = static_cast<double>(columns);
    double mean = 0;
    if constexpr (kCentred) {
      mean = lane_sum(columns, [=](Index c) { return static_cast<double>(x[c]); }) / count;
    }
    const double squares = lane_sum(columns, [=](Index c) {
      const double d = static_cast<double>(x[c]) - mean;
      return d * d;
    });
    return {static_cast<Real>(mean), static_cast<Real>(1 / std::sqrt(squares / count + epsilon_))};
  }

  static Row saved_row(std::span<const Real> saved, Index row) {
    return {saved[static_cast<std::size_t>(2 * row)], saved[static_cast<std::size_t>(2 * row + 1)]};
  }

  static void input_gradient(const LayerBackward& b, Index row, Index columns) {
    const Real* x = b.inputs[0].data + row * columns;
    const Real* dy = b.output_gradient.data + row * columns;
    const Real* weight = b.parameters[0].data();
    Real* dx = b.input_gradients[0].data + row * columns;
    const Row r = saved_row(b.saved, row);
    const auto count = static_cast<double>(columns);
    Real mean = 0;
    if constexpr (kCentred) {
      mean = static_cast<Real>(
          lane_sum(columns, [=](Index c) { return static_cast<double>(dy[c] * weight[c]); }) /
          count);
    }
    const auto along = static_cast<Real>(lane_sum(columns,
                                                  [=](Index c) {
                                                    const Real n = (x[c] - r.mean) * r.scale;
                                                    return static_cast<double>(dy[c] * weight[c]) *
                                                           static_cast<double>(n);
                                                  }) /
                                         count);
    for (Index c = 0; c < columns; ++c) {
      const Real n = (x[c] - r.mean) * r.scale;
      dx[c] = r.scale * (dy[c] * weight[c] - mean - n * along);
    }
  }

  double epsilon_;
};

}  // namespace lockstep
