#include <cmath>

#include "lockstep/nn/layers.hpp"
#include "nn/channel_gradients.hpp"
#include "nn/inputs.hpp"

namespace lockstep {
namespace {

/// means[c] = the mean of term(p * channels + c, c) over the positions p; summed in double, in
/// their order.
template <typename Term>
void channel_means(const Shape& shape, Real* means, const Term& term) {
  for (Index begin = 0; begin < shape.channels; begin += kChannelStrip) {
    const Index width = std::min(kChannelStrip, shape.channels - begin);
    PerChannel<double> sums{};
    for (Index p = 0; p < shape.positions(); ++p) {
      const Index first = p * shape.channels + begin;
      for (Index i = 0; i < width; ++i) {
        sums[static_cast<std::size_t>(i)] += static_cast<double>(term(first + i, begin + i));
      }
    }
    for (Index i = 0; i < width; ++i) {
      means[begin + i] = static_cast<Real>(sums[static_cast<std::size_t>(i)] /
                                           static_cast<double>(shape.positions()));
    }
  }
}

/// Replaces the numbers of each group of `width` channels by `value` of their mean.
template <typename Value>
void average_groups(Real* channels, Index count, Index width, const Value& value) {
  for (Index begin = 0; begin < count; begin += width) {
    double sum = 0;
    for (Index c = begin; c < begin + width; ++c) sum += static_cast<double>(channels[c]);
    std::fill_n(channels + begin, width,
                static_cast<Real>(value(sum / static_cast<double>(width))));
  }
}

constexpr auto kAsItIs = [](double mean) { return mean; };

/// With n = (x - mean) scale, scale = 1 / sqrt(variance + epsilon) and g = dy weight: y = n weight
/// + bias, dx = scale (g - mean(g) - n mean(g n)), all means over one group of one sample: over the
/// positions of each channel first, then over the channels.
/// Saved: for each sample, the mean of every channel's group, then its scale.
class GroupNorm final : public Layer {
 public:
  GroupNorm(Index groups, double epsilon) : groups_(groups), epsilon_(epsilon) {
    require_epsilon(type(), epsilon);
    if (groups < 1) {
      throw Error(ExitCode::config, "group_norm: groups must be at least 1, found " +
                                        std::to_string(groups) + "; set groups to 1 or more");
    }
  }

  std::string_view type() const override { return "group_norm"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity& capacity) const override {
    LayerPlan plan;
    plan.output = only_input(type(), inputs);
    const Index channels = plan.output.channels;
    if (channels % groups_ != 0) {
      throw Error(ExitCode::config, "group_norm: expected groups that divide the channels, found " +
                                        std::to_string(groups_) + " groups and " +
                                        std::to_string(channels) + " channels; change one of them");
    }
    plan.channels = groups_ == 1 || groups_ == channels ? Channels::kept : Channels::numbered;
    plan.reads_output = false;
    plan.parameters = channel_parameters(channels, /*bias=*/true);
    plan.saved = 2 * capacity.samples * channels;
    plan.scratch =
        std::max(2 * capacity.samples * channels,
                 Scratch::size_of<ChannelGradientScratch>(2 * channels, capacity.microbatches));
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Shape shape = f.output.shape;
    const Real* weight = f.parameters[0].data();
    const Real* bias = f.parameters[1].data();
    parallel_for(f.pass.samples(), [&](Index sample) {
      const Real* x = f.inputs[0].data + sample * shape.size();
      Real* y = f.output.data + sample * shape.size();
      Real* mean = f.saved.data() + 2 * sample * shape.channels;
      Real* scale = mean + shape.channels;
      measure(x, shape, mean, scale);
      for (Index p = 0; p < shape.positions(); ++p) {
        for (Index c = 0; c < shape.channels; ++c) {
          y[c] = (x[c] - mean[c]) * scale[c] * weight[c] + bias[c];
        }
        x += shape.channels;
        y += shape.channels;
      }
    });
  }

  void backward(const LayerBackward& b) const override {
    const Shape shape = b.output.shape;
    if (b.input_gradients[0].data != nullptr) {
      parallel_for(b.pass.samples(), [&](Index sample) { input_gradient(b, sample); });
    }
    sum_channel_gradients<2>(
        b, shape.channels, [&](const Microbatch& m, Index begin, Index end, auto& out) {
          for (Index sample = m.first_row; sample < m.first_row + m.rows; ++sample) {
            const Real* mean = b.saved.data() + 2 * sample * shape.channels + begin;
            const Real* scale = mean + shape.channels;
            const Real* x = b.inputs[0].data + sample * shape.size() + begin;
            const Real* dy = b.output_gradient.data + sample * shape.size() + begin;
            for (Index p = 0; p < shape.positions(); ++p) {
              for (Index c = 0; c < end - begin; ++c) {
                const auto i = static_cast<std::size_t>(c);
                out[0][i] += dy[c] * ((x[c] - mean[c]) * scale[c]);
                out[1][i] += dy[c];
              }
              x += shape.channels;
              dy += shape.channels;
            }
          }
        });
  }

 private:
  // Mean and scale of each channel's group, of one sample.
  void measure(const Real* x, const Shape& shape, Real* mean, Real* scale) const {
    const Index width = shape.channels / groups_;
    channel_means(shape, mean, [=](Index i, Index) { return x[i]; });
    average_groups(mean, shape.channels, width, kAsItIs);
    channel_means(shape, scale, [=](Index i, Index c) {
      const double d = static_cast<double>(x[i]) - static_cast<double>(mean[c]);
      return d * d;
    });
    average_groups(scale, shape.channels, width,
                   [this](double variance) { return 1 / std::sqrt(variance + epsilon_); });
  }

  void input_gradient(const LayerBackward& b, Index sample) const {
    const Shape shape = b.output.shape;
    const Index channels = shape.channels;
    const Real* weight = b.parameters[0].data();
    const Real* mean = b.saved.data() + 2 * sample * channels;
    const Real* scale = mean + channels;
    const Real* x = b.inputs[0].data + sample * shape.size();
    const Real* dy = b.output_gradient.data + sample * shape.size();
    Real* dx = b.input_gradients[0].data + sample * shape.size();
    Real* level = b.scratch.data() + 2 * sample * channels;  // mean(g)
    Real* along = level + channels;                          // mean(g n)
    channel_means(shape, level, [=](Index i, Index c) { return dy[i] * weight[c]; });
    average_groups(level, channels, channels / groups_, kAsItIs);
    channel_means(shape, along, [=](Index i, Index c) {
      return static_cast<double>(dy[i] * weight[c]) *
             static_cast<double>((x[i] - mean[c]) * scale[c]);
    });
    average_groups(along, channels, channels / groups_, kAsItIs);
    for (Index p = 0; p < shape.positions(); ++p) {
      for (Index c = 0; c < channels; ++c) {
        const Real n = (x[c] - mean[c]) * scale[c];
        dx[c] = scale[c] * (dy[c] * weight[c] - level[c] - n * along[c]);
      }
      x += channels;
      dy += channels;
      dx += channels;
    }
  }

  Index groups_;
  double epsilon_;
};

}  // namespace

std::unique_ptr<Layer> group_norm(Index groups, double epsilon) {
  return std::make_unique<GroupNorm>(groups, epsilon);
}

}  // namespace lockstep
