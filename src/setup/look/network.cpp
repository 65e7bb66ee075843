#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "setup/look/look.hpp"

namespace lockstep {
namespace {

using Node = Network::Node;

// The last layer that changes a number.
const Node& last_of(const Network& network) {
  const Node* node = &network.nodes().back();
  while (node->layer->type() == "flatten" && node->inputs.front().id > 0) {
    node = &network.nodes()[static_cast<std::size_t>(node->inputs.front().id) - 1];
  }
  return *node;
}

bool is_one_of(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::ranges::find(types, type) != types.end();
}

void look_at_the_end(const Network& network, const Loss& loss, Notes& notes) {
  const Node& last = last_of(network);
  const std::string_view type = last.layer->type();
  if (type == "dropout") {
    notes.push_back(fmt::format(
        "layer '{}', dropout, is the last layer: it zeroes outputs of the network during training",
        last.name));
  }
  if (loss.outputs() == Outputs::values) return;
  const std::string_view own = loss.outputs() == Outputs::class_logits ? "softmax" : "sigmoid";
  if (is_one_of(type, {"softmax", "sigmoid"})) {
    notes.push_back(
        fmt::format("layer '{}', {}, is the last layer, but {} applies softmax or sigmoid itself "
                    "and trains badly after another; remove the layer",
                    last.name, type, loss.type()));
  } else if (is_one_of(type, {"relu", "elu", "gelu", "silu", "tanh"})) {
    notes.push_back(
        fmt::format("layer '{}', {}, is the last layer, but {} applies its {} to unbounded "
                    "outputs; remove the layer",
                    last.name, type, loss.type(), own));
  }
}

void look_for_constants(const Network& network, Notes& notes) {
  for (const Node& node : network.nodes()) {
    if (node.output.channels > 1) continue;
    if (!is_one_of(node.layer->type(), {"softmax", "layer_norm", "rms_norm"})) continue;
    notes.push_back(
        fmt::format("layer '{}', {}, works over the channels of a position, but there is only one: "
                    "its output does not depend on its input{}",
                    node.name, node.layer->type(),
                    node.layer->type() == "rms_norm" ? " except on its sign" : ""));
  }
}

void look_ahead(const Network& network, Notes& notes) {
  const auto ahead = std::ranges::find_if_not(network.nodes(), &Node::causal);
  if (ahead == network.nodes().end()) return;
  notes.push_back(
      fmt::format("layer '{}', {}, sees the symbols after each position, which are the labels: "
                  "what it learns is useless for generation{}",
                  ahead->name, ahead->layer->type(),
                  ahead->layer->type() == "attention" ? "; set causal = true" : ""));
}

}  // namespace

Notes look_at_network(const Network& network, const Loss& loss, bool of_text) {
  Notes notes;
  look_at_the_end(network, loss, notes);
  look_for_constants(network, notes);
  if (of_text) look_ahead(network, notes);
  return notes;
}

Notes look_at_groups(const Network& network, std::span<const config::Settings> layers) {
  Notes notes;
  for (const config::Settings& layer : layers) {
    if (layer.type() != "group_norm") continue;
    const auto node = std::ranges::find(network.nodes(), layer.name(), &Node::name);
    if (node == network.nodes().end()) continue;
    if (node->output.size() > layer.integer("groups")) continue;
    notes.push_back(
        fmt::format("layer '{}', group_norm, has one value in each group: its output does not "
                    "depend on its input; use fewer groups",
                    node->name));
  }
  return notes;
}

}  // namespace lockstep
