#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/random.hpp"
#include "lockstep/nn/layer.hpp"

namespace lockstep {

/// The microbatches of a share, one per entry of `rows`; the first has number `first`.
inline std::vector<Microbatch> microbatches_of(const std::vector<Index>& rows, Index first = 0) {
  std::vector<Microbatch> result;
  Index row = 0;
  for (const Index count : rows) {
    result.push_back({first++, row, count});
    row += count;
  }
  return result;
}

/// Numbers in (-2, 2), at least `kink` away from 0: a function of the stream and the place.
inline void fill_test_values(std::span<Real> out, std::uint32_t stream, double kink = 0) {
  const RandomKey key{.seed = 7, .purpose = RandomPurpose::layer, .a = stream};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double x = 4 * random_uniform(key, i) - 2;
    out[i] = static_cast<Real>(x + std::copysign(kink, x));
  }
}

/// One layer, which must outlive it, with memory of its own for one share: what Network and
/// Workspace do, for one layer.
class LayerRun {
 public:
  LayerRun(const Layer& layer, std::vector<Shape> inputs, std::vector<Microbatch> microbatches)
      : layer_(layer), microbatches_(std::move(microbatches)), input_shapes_(std::move(inputs)) {
    pass_ = {.microbatches = microbatches_, .training = true, .random = {}};
    plan_ = layer.plan(input_shapes_, {.samples = pass_.samples(),
                                       .microbatches = static_cast<Index>(microbatches_.size()),
                                       .threads = thread_count()});
    for (const Shape& s : input_shapes_) {
      inputs_.emplace_back(pass_.samples() * s.size());
      input_gradients_.emplace_back(pass_.samples() * s.size());
    }
    const Index size = pass_.samples() * plan_.output.size();
    output_ = Buffer<Real>(size);
    output_gradient_ = Buffer<Real>(size);
    for (const ParameterSpec& p : plan_.parameters) {
      offsets_.push_back(flat_size_);
      flat_size_ += aligned<Real>(p.stored_size());
    }
    flat_ = Buffer<Real>(flat_size_);
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
      parameters_.push_back(flat_.span(offsets_[i], plan_.parameters[i].stored_size()));
    }
    saved_ = Buffer<Real>(plan_.saved);
    scratch_ = Buffer<Real>(plan_.scratch);
  }

  [[nodiscard]] const LayerPlan& plan() const { return plan_; }
  [[nodiscard]] std::span<Real> input(std::size_t i = 0) { return inputs_[i].span(); }
  [[nodiscard]] std::span<Real> input_gradient(std::size_t i = 0) {
    return input_gradients_[i].span();
  }
  [[nodiscard]] std::span<Real> output() { return output_.span(); }
  [[nodiscard]] std::span<Real> output_gradient() { return output_gradient_.span(); }
  [[nodiscard]] std::span<Real> flat_parameters() { return flat_.span(); }
  [[nodiscard]] std::span<Real> flat_gradient(std::size_t block) {
    return gradients_[block].span();
  }
  [[nodiscard]] const std::vector<MicrobatchRange>& blocks() const { return blocks_; }

  [[nodiscard]] std::size_t input_count() const { return inputs_.size(); }

  /// Sets inputs, parameters and output gradients: each number a function of its place in the
  /// share. With `symbols`, inputs are whole numbers in [0, symbols).
  void fill(double kink = 0, Index symbols = 0) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      fill_test_values(input(i), static_cast<std::uint32_t>(10 + i), kink);
      if (symbols == 0) continue;
      for (Real& x : input(i)) x = std::floor((x + 2) / 4 * static_cast<Real>(symbols));
    }
    fill_parameters();
    fill_test_values(output_gradient(), 3);
  }

  /// For forward and step; in training, unless it was told otherwise.
  void set_training(bool training) { pass_.training = training; }

  void forward() {
    const std::vector<ConstTensor> in = input_tensors();
    layer_.forward(arguments(in));
  }

  /// Of a run of one sample outside of training.
  void step(Index position) {
    const std::vector<ConstTensor> in = input_tensors();
    layer_.step(arguments(in), position);
  }

  /// Everything that is to be set is NaN before, so that what is added to or left out is seen.
  void backward(bool with_input_gradients = true) {
    blocks_ = aligned_blocks({microbatches_.empty() ? 0 : microbatches_.front().index,
                              static_cast<Index>(microbatches_.size())});
    gradients_.clear();
    std::vector<GradientBlock> blocks;
    for (const MicrobatchRange& block : blocks_) {
      gradients_.emplace_back(flat_size_);
      std::ranges::fill(gradients_.back().span(), Real(NAN));
      blocks.push_back({block, gradients_.back().span()});
    }
    std::vector<Tensor> dx;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      std::ranges::fill(input_gradient(i), Real(NAN));
      dx.push_back({with_input_gradients ? input_gradients_[i].data() : nullptr, input_shapes_[i]});
    }
    const std::vector<ConstTensor> in = input_tensors();
    layer_.backward({.pass = pass_,
                     .random = {},
                     .inputs = in,
                     .output = {output_.data(), plan_.output},
                     .output_gradient = {output_gradient_.data(), plan_.output},
                     .input_gradients = dx,
                     .parameters = parameters_,
                     .gradients = blocks,
                     .parameter_offsets = offsets_,
                     .saved = saved_.span(),
                     .scratch = scratch_.span()});
  }

  /// The sum over all blocks of the gradient at `index` of parameter `parameter`.
  [[nodiscard]] double gradient(std::size_t parameter, Index index) const {
    double sum = 0;
    for (const Buffer<Real>& g : gradients_) sum += g.data()[place(parameter, index)];
    return sum;
  }
  [[nodiscard]] Real& parameter(std::size_t parameter, Index index) {
    return flat_.data()[place(parameter, index)];
  }

 private:
  // Where element `index` of a parameter lies in the flat buffers.
  [[nodiscard]] Index place(std::size_t parameter, Index index) const {
    return offsets_[parameter] + plan_.parameters[parameter].stored_at(index);
  }

  void fill_parameters() {
    std::vector<Real> values(static_cast<std::size_t>(flat_size_));
    fill_test_values(values, 2);
    std::size_t next = 0;
    for (std::size_t p = 0; p < plan_.parameters.size(); ++p) {
      for (Index i = 0; i < plan_.parameters[p].size(); ++i) parameter(p, i) = values[next++];
    }
  }

  [[nodiscard]] LayerForward arguments(std::span<const ConstTensor> in) {
    return {.pass = pass_,
            .random = {},
            .inputs = in,
            .output = {output_.data(), plan_.output},
            .parameters = parameters_,
            .saved = saved_.span(),
            .scratch = scratch_.span()};
  }

  [[nodiscard]] std::vector<ConstTensor> input_tensors() const {
    std::vector<ConstTensor> in;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      in.push_back({inputs_[i].data(), input_shapes_[i]});
    }
    return in;
  }

  const Layer& layer_;
  std::vector<Microbatch> microbatches_;
  std::vector<Shape> input_shapes_;
  Pass pass_;
  LayerPlan plan_;
  std::vector<Buffer<Real>> inputs_, input_gradients_, gradients_;
  Buffer<Real> output_, output_gradient_, flat_, saved_, scratch_;
  std::vector<Index> offsets_;
  Index flat_size_ = 0;
  std::vector<std::span<const Real>> parameters_;
  std::vector<MicrobatchRange> blocks_;
};

}  // namespace lockstep
