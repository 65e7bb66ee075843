#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/base/microbatches.hpp"
#include "lockstep/base/random.hpp"
#include "lockstep/base/types.hpp"
#include "lockstep/kernels/panels.hpp"

namespace lockstep {

/// How a parameter starts. Every value is a pure function of (seed, parameter's number, element).
struct Initializer {
  enum class Kind { constant, normal, he_normal, he_uniform, xavier_normal, xavier_uniform };
  Kind kind = Kind::constant;
  Real value = 0;     ///< of Kind::constant, and the deviation of Kind::normal
  Index fan_in = 1;   ///< inputs of one unit
  Index fan_out = 1;  ///< units fed by one input
};

/// Fills `out`, whose first number is that of element `first`:
///
///     normal          N(0, value^2)
///     he_normal       N(0, 2 / fan_in)
///     he_uniform      U(-a, a), a = sqrt(6 / fan_in)
///     xavier_normal   N(0, 2 / (fan_in + fan_out))
///     xavier_uniform  U(-a, a), a = sqrt(6 / (fan_in + fan_out))
///
/// Source: Glorot, Bengio 2010; He, Zhang, Ren, Sun 2015.
void initialize(const Initializer& initializer, const RandomKey& key, std::span<Real> out,
                Index first = 0);

/// How a step changes a parameter.
enum class Role {
  weight,    ///< learned; weight decay pulls at it
  bias,      ///< learned; biases, scales and shifts, at which weight decay pulls on demand only
  statistic  ///< not learned: an average over steps, such as the mean that batch_norm measures
};

/// One tensor that a layer learns or, if it is a statistic, measures.
///
/// In backward, a layer writes where the gradient of a statistic would stand the sum over samples
/// of what was measured. A step moves the statistic by the share `averaging` towards the mean over
/// the samples of the global batch.
struct ParameterSpec {
  std::string name;            ///< within the layer: "weight", "bias"
  std::vector<Index> shape;    ///< row-major: its elements are numbered in this order
  std::vector<int> file_axes;  ///< axis i of the tensor in files is axis file_axes[i] here; files
                               ///< use PyTorch's layouts
  int input_axis = -1;         ///< the axis here that counts the channels of the input; -1: none
  int output_axis = -1;        ///< and the one that counts those of the output
  bool panels = false;  ///< stored in panels for the kernels, as a matrix whose columns are the
                        ///< last axis; else row-major
  Initializer initializer;
  double averaging = 0;  ///< of a statistic, in (0, 1]; 0 if it is learned

  /// Numbers in the tensor.
  [[nodiscard]] Index size() const;
  /// A learned tensor of several axes is a weight, one of a single axis a bias.
  [[nodiscard]] Role role() const;
  /// Numbers that it takes in the flat buffers.
  [[nodiscard]] Index stored_size() const;
  /// Where element `index` lies among those.
  [[nodiscard]] Index stored_at(Index index) const;
};

/// What a pass over the network can be as large as; memory is planned for it.
struct Capacity {
  Index samples = 0;
  Index microbatches = 0;
  int threads = 1;
};

/// What a layer does to the order of its channels. Another order of the input's is another order
/// of the input axes of its parameters and, where channels are kept or joined, of the output's.
enum class Channels {
  mixed,      ///< those of the output are new ones, in the order of the parameters' output axes
  kept,       ///< each stays what it was: a layer that treats each alone, or all of them alike
  joined,     ///< those of all inputs, one input after the other
  flattened,  ///< each number of the input becomes one
  numbered    ///< their numbers mean something, such as groups of neighbours: no other order
};

/// How PyTorch numbers the axes of a sample where a layer of the type works.
enum class Axes {
  as_given,        ///< as in the input
  channels_first,  ///< (C, H, W) or (C, T)
  channels_last    ///< (T, C)
};

/// What a layer makes of its inputs and what it needs for that.
struct LayerPlan {
  Shape output;
  std::vector<ParameterSpec> parameters;
  Index saved = 0;           ///< numbers kept from forward to backward
  Index scratch = 0;         ///< numbers used within one call; shared by all layers
  double multiply_adds = 0;  ///< of one sample, forward
  Index symbols = 0;         ///< if not 0, the input must be whole numbers in [0, symbols)
  bool in_place = false;     ///< the output may lie where the first input lies, their gradients too
  bool reads_output = true;  ///< backward reads the output, so nothing may be written over it
  bool causal = false;       ///< no position depends on a later one, and step computes one alone
  Channels channels = Channels::numbered;
  Axes axes = Axes::as_given;
};

/// What one pass computes: a rank's share of one global batch, or a part of it.
struct Pass {
  std::span<const Microbatch> microbatches;
  bool training = false;
  RandomKey
      random;  ///< (seed, purpose layer, step), never the rank; the layer's number comes on top

  [[nodiscard]] Index samples() const {
    return microbatches.empty() ? 0 : microbatches.back().first_row + microbatches.back().rows;
  }
};

/// The values of one place of the network for all samples of a pass, sample after sample.
struct ConstTensor {
  const Real* data = nullptr;
  Shape shape;

  /// Rows = samples * positions, columns = channels.
  [[nodiscard]] ConstMatrix matrix(Index samples) const {
    return {data, samples * shape.positions(), shape.channels};
  }
  [[nodiscard]] std::span<const Real> values(Index samples) const {
    return {data, static_cast<std::size_t>(samples * shape.size())};
  }
};

struct Tensor {
  Real* data = nullptr;  ///< null for an input gradient that nobody needs
  Shape shape;

  [[nodiscard]] Matrix matrix(Index samples) const {
    return {data, samples * shape.positions(), shape.channels};
  }
  [[nodiscard]] std::span<Real> values(Index samples) const {
    return {data, static_cast<std::size_t>(samples * shape.size())};
  }
};

/// Everything that Layer::forward may touch.
struct LayerForward {
  const Pass& pass;
  RandomKey random;  ///< of this layer in this step
  std::span<const ConstTensor> inputs;
  Tensor output;
  std::span<const std::span<const Real>> parameters;  ///< in the order of LayerPlan::parameters
  std::span<Real> saved;
  std::span<Real> scratch;
};

/// Everything that Layer::backward may touch.
struct LayerBackward {
  const Pass& pass;
  RandomKey random;
  std::span<const ConstTensor> inputs;
  ConstTensor output;
  ConstTensor output_gradient;
  std::span<const Tensor>
      input_gradients;  ///< to be set, not added to; data is null where not needed
  std::span<const std::span<const Real>> parameters;
  std::span<const GradientBlock> gradients;
  std::span<const Index> parameter_offsets;  ///< of this layer's parameters in the flat buffers
  std::span<Real> saved;
  std::span<Real> scratch;

  /// Where the gradient of parameter `parameter` summed over block `block` goes; to be set, not
  /// added to.
  [[nodiscard]] std::span<Real> gradient(std::size_t block, std::size_t parameter) const {
    return gradients[block].values.subspan(static_cast<std::size_t>(parameter_offsets[parameter]),
                                           parameters[parameter].size());
  }
};

/// A stateless description of one step of the network; every number it works on is handed to it.
///
/// The contract of equal bits binds every layer: what is computed for a sample may depend on its
/// microbatch, never on the share that the microbatch lies in or on the thread. Whatever is summed
/// over samples is summed for each microbatch first and then by OrderedSum over the microbatches of
/// each gradient block.
class Layer {
 public:
  virtual ~Layer() = default;

  /// The name of the type, as in configs: "linear".
  [[nodiscard]] virtual std::string_view type() const = 0;
  /// Shapes, parameters and memory; wrong shapes throw Error(config) here and nowhere later.
  [[nodiscard]] virtual LayerPlan plan(std::span<const Shape> inputs, const Capacity&) const = 0;
  virtual void forward(const LayerForward&) const = 0;
  virtual void backward(const LayerBackward&) const = 0;
  /// Forward of one position of one sample, outside of training: sets row `position` of the output
  /// from the same rows of the inputs and from what forward or step has saved of the positions
  /// before, with the bits that forward gives. Only called if the plan is causal. A layer to which
  /// positions are nothing to each other needs no step of its own: this one is forward of a sample
  /// that has no other position.
  virtual void step(const LayerForward& f, Index position) const;
};

}  // namespace lockstep
