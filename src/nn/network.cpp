#include "lockstep/nn/network.hpp"

#include <cassert>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/workspace.hpp"

namespace lockstep {
namespace {

RandomKey key_of_node(const Pass& pass, std::size_t node) {
  RandomKey key = pass.random;
  key.b = static_cast<std::uint32_t>(node);
  return key;
}

// The parameters of one node, from the flat buffer.
void slice(const Network::Node& node, std::span<const Real> flat,
           std::span<std::span<const Real>> parameters) {
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    parameters[p] = flat.subspan(static_cast<std::size_t>(node.parameter_offsets[p]),
                                 static_cast<std::size_t>(node.parameter_sizes[p]));
  }
}

// A value with several consumers gets the sum of what each sends back.
void accumulate(Tensor part, Tensor total, Index samples) {
  const Index size = samples * part.shape.size();
  parallel_for_tiles(size, kElementTile, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) total.data[i] += part.data[i];
  });
}

}  // namespace

Network::Network(Shape input) : input_(input) {
  if (input.height < 1 || input.width < 1 || input.channels < 1) {
    throw Error(ExitCode::config, "the input shape of a network must be at least 1 x 1 x 1");
  }
}

Value Network::add(std::unique_ptr<Layer> layer, std::string name, std::vector<Value> from) {
  Node node;
  node.inputs = std::move(from);
  if (node.inputs.empty()) node.inputs.push_back({static_cast<Index>(nodes_.size())});
  node.name = name.empty() ? std::string(layer->type()) + "_" + std::to_string(nodes_.size())
                           : std::move(name);

  std::vector<Shape> shapes;
  for (const Value v : node.inputs) shapes.push_back(shape(v));
  LayerPlan plan;
  try {
    plan = layer->plan(shapes, Capacity{});
    if (plan.symbols > 0 && node.inputs[0].id != input().id) {
      throw Error(ExitCode::config,
                  std::string(layer->type()) +
                      ": expected the symbols that are the network's input, "
                      "found the output of layer '" +
                      nodes_[static_cast<std::size_t>(node.inputs[0].id - 1)].name +
                      R"('; make it the first layer, or set from = ["input"])");
    }
  } catch (const Error& error) {
    throw Error(error.code(), "layer '" + node.name + "': " + error.what());
  }
  node.layer = std::move(layer);
  node.output = plan.output;
  node.multiply_adds = plan.multiply_adds;
  node.symbols = plan.symbols;
  node.causal = plan.causal;
  node.channels = plan.channels;
  node.axes = plan.axes;
  node.first_offset = parameters_.size();
  node.parameter_offsets = parameters_.add(node.name, plan.parameters);
  for (const ParameterSpec& spec : plan.parameters)
    node.parameter_sizes.push_back(spec.stored_size());
  nodes_.push_back(std::move(node));
  return {static_cast<Index>(nodes_.size())};
}

Shape Network::shape(Value value) const {
  assert(0 <= value.id && value.id <= static_cast<Index>(nodes_.size()));
  return value.id == 0 ? input_ : nodes_[static_cast<std::size_t>(value.id - 1)].output;
}

Index Network::activations() const {
  Index sum = 0;
  for (const Node& node : nodes_) sum += node.output.size();
  return sum;
}

LayerForward Network::forward_arguments(std::size_t node, const Pass& pass, Workspace& workspace) {
  const Workspace::NodeMemory& memory = workspace.nodes_[node];
  return {.pass = pass,
          .random = key_of_node(pass, node),
          .inputs = memory.inputs,
          .output = workspace.values_[node + 1],
          .parameters = memory.parameters,
          .saved = memory.saved,
          .scratch = workspace.scratch_};
}

void Network::forward(std::span<const Real> parameters, const Pass& pass,
                      Workspace& workspace) const {
  assert(pass.samples() <= workspace.capacity().samples);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    slice(nodes_[i], parameters, workspace.nodes_[i].parameters);
    nodes_[i].layer->forward(forward_arguments(i, pass, workspace));
  }
}

void Network::step(std::span<const Real> parameters, Index position, Workspace& workspace) const {
  const Microbatch one{.index = 0, .first_row = 0, .rows = 1};
  const Pass pass{.microbatches = {&one, 1}, .training = false, .random = {}};
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    assert(nodes_[i].causal);
    slice(nodes_[i], parameters, workspace.nodes_[i].parameters);
    nodes_[i].layer->step(forward_arguments(i, pass, workspace), position);
  }
}

void Network::backward(std::span<const Real> parameters, const Pass& pass, Workspace& workspace,
                       std::span<const GradientBlock> gradients,
                       const GradientsReady& ready) const {
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    const Node& node = nodes_[i];
    Workspace::NodeMemory& memory = workspace.nodes_[i];
    slice(node, parameters, memory.parameters);
    const ConstTensor output{workspace.values_[i + 1].data, node.output};
    const ConstTensor output_gradient{workspace.gradients_[i + 1].data, node.output};
    if (output_gradient.data != nullptr) {
      node.layer->backward({.pass = pass,
                            .random = key_of_node(pass, i),
                            .inputs = memory.inputs,
                            .output = output,
                            .output_gradient = output_gradient,
                            .input_gradients = memory.input_gradients,
                            .parameters = memory.parameters,
                            .gradients = gradients,
                            .parameter_offsets = node.parameter_offsets,
                            .saved = memory.saved,
                            .scratch = workspace.scratch_});
      for (std::size_t j = 0; j < memory.accumulate_into.size(); ++j) {
        const Tensor total = memory.accumulate_into[j];
        if (total.data != nullptr) accumulate(memory.input_gradients[j], total, pass.samples());
      }
    }
    ready(node.first_offset);  // flat order is execution order, so this only falls
  }
}

}  // namespace lockstep
