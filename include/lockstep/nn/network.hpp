#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/nn/layer.hpp"
#include "lockstep/nn/parameter_table.hpp"

namespace lockstep {

class Workspace;

/// Names a value of a network: its input, or the output of a layer.
struct Value {
  Index id = 0;
};

/// Called by Network::backward with a falling offset: from there to the end of the flat buffers
/// gradients are final.
using GradientsReady = std::function<void(Index)>;

/// A list of layers in execution order with named inputs; constant once built, and it owns no
/// number.
class Network {
 public:
  /// One step of the list.
  struct Node {
    std::string name;
    std::unique_ptr<Layer> layer;
    std::vector<Value> inputs;
    Shape output;
    std::vector<Index> parameter_offsets;
    std::vector<Index> parameter_sizes;
    Index first_offset =
        0;  ///< where its gradients, and those of all later nodes, begin in the flat buffers
    double multiply_adds = 0;
    Index symbols = 0;                       ///< of LayerPlan
    bool causal = false;                     ///< of LayerPlan
    Channels channels = Channels::numbered;  ///< of LayerPlan
    Axes axes = Axes::as_given;              ///< of LayerPlan
  };

  explicit Network(Shape input);

  /// Appends a layer that takes the given values, or the last one if none is given; returns its
  /// output.
  /// Errors: whatever the layer's plan throws, with the layer's name in front.
  Value add(std::unique_ptr<Layer> layer, std::string name = {}, std::vector<Value> from = {});

  [[nodiscard]] Value input() const { return {0}; }
  [[nodiscard]] Shape shape(Value value) const;
  [[nodiscard]] Shape input_shape() const { return input_; }
  [[nodiscard]] Shape output_shape() const { return shape({static_cast<Index>(nodes_.size())}); }
  /// Numbers that all layers together make of one sample.
  [[nodiscard]] Index activations() const;
  [[nodiscard]] const ParameterTable& parameters() const { return parameters_; }
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }

  /// Predictions of all samples of the pass: workspace.input() -> workspace.output().
  void forward(std::span<const Real> parameters, const Pass& pass, Workspace& workspace) const;

  /// Sets row `position` of the predictions of one sample, outside of training, from that row of
  /// workspace.input() and from what forward or step has left in the workspace of the rows before:
  /// the bits are those of forward, the cost is that of one position. All nodes must be causal.
  void step(std::span<const Real> parameters, Index position, Workspace& workspace) const;

  /// Sends workspace.output_gradient() back through the layers and sets the gradient of every
  /// block, whose shares together are the share of the pass. Each layer reports when its gradients
  /// are final.
  void backward(std::span<const Real> parameters, const Pass& pass, Workspace& workspace,
                std::span<const GradientBlock> gradients, const GradientsReady& ready) const;

 private:
  static LayerForward forward_arguments(std::size_t node, const Pass& pass, Workspace& workspace);

  Shape input_;
  std::vector<Node> nodes_;
  ParameterTable parameters_;
};

}  // namespace lockstep
