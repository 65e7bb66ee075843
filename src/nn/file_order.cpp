#include "lockstep/nn/file_order.hpp"

#include <algorithm>
#include <optional>
#include <span>

namespace lockstep {
namespace {

/// Channel k in PyTorch is channel order[k] here; empty: as here.
using Order = std::vector<Index>;

/// Why PyTorch has no order for a network.
struct NoOrder {
  std::string reason;
};

Order or_empty(Order order) {
  for (std::size_t k = 0; k < order.size(); ++k) {
    if (order[k] != static_cast<Index>(k)) return order;
  }
  return {};
}

Index at(const Order& order, Index k) {
  return order.empty() ? k : order[static_cast<std::size_t>(k)];
}

/// Finds the order of every value: forward from the input, and back from a sum to the layers that
/// have to number their outputs as its other inputs do.
class Orders {
 public:
  explicit Orders(const Network& network) : network_(network), made_(network.nodes().size()) {
    while (!go_forward()) continue;  // each time one more layer has its outputs in order
  }

  [[nodiscard]] FileOrder of(const Network::Node& node, std::size_t number,
                             const ParameterSpec& spec) const {
    FileOrder order(spec.shape.size());
    if (spec.input_axis >= 0) order[axis(spec.input_axis)] = value(node.inputs.front());
    if (spec.output_axis >= 0) order[axis(spec.output_axis)] = values_[number + 1];
    const bool as_here = std::ranges::all_of(order, [](const Order& o) { return o.empty(); });
    return as_here ? FileOrder{} : order;
  }

 private:
  static std::size_t axis(int number) { return static_cast<std::size_t>(number); }
  [[nodiscard]] const Order& value(Value v) const {
    return values_[static_cast<std::size_t>(v.id)];
  }

  /// False if a layer had to be told the order of its outputs, so that all must be done again.
  bool go_forward() {
    values_ = {Order{}};
    channels_last_ = {false};
    for (std::size_t i = 0; i < network_.nodes().size(); ++i) {
      const std::optional<Order> order = order_of_output(i);
      if (!order) return false;
      values_.push_back(*order);
      channels_last_.push_back(has_channels_last(network_.nodes()[i]));
    }
    return true;
  }

  std::optional<Order> order_of_output(std::size_t number) {
    const Network::Node& node = network_.nodes()[number];
    switch (node.channels) {
      case Channels::mixed:
        return made_[number];
      case Channels::kept:
        return common_order(node);
      case Channels::joined:
        return joined(node);
      case Channels::flattened:
        return flattened(node);
      case Channels::numbered:
        break;
    }
    for (const Value v : node.inputs) {
      if (!value(v).empty()) throw NoOrder{"layer '" + node.name + "' works on groups of channels"};
    }
    return Order{};
  }

  /// That of all inputs; nothing if one of them had to be told.
  std::optional<Order> common_order(const Network::Node& node) {
    const auto other =
        std::ranges::find_if(node.inputs, [&](Value v) { return !value(v).empty(); });
    if (other == node.inputs.end()) return Order{};
    const Order order = value(*other);
    bool told = false;
    for (const Value v : node.inputs) {
      if (value(v) == order) continue;
      tell(v, order, node.name);
      told = true;
    }
    return told ? std::nullopt : std::optional(order);
  }

  [[nodiscard]] Order joined(const Network::Node& node) const {
    Order order;
    for (const Value v : node.inputs) {
      const auto first = static_cast<Index>(order.size());
      for (Index k = 0; k < network_.shape(v).channels; ++k)
        order.push_back(first + at(value(v), k));
    }
    return or_empty(std::move(order));
  }

  [[nodiscard]] Order flattened(const Network::Node& node) const {
    const Value input = node.inputs.front();
    const Shape shape = network_.shape(input);
    const bool last = channels_last_[static_cast<std::size_t>(input.id)];
    Order order;
    for (Index k = 0; k < shape.size(); ++k) {
      const Index channel = last ? k % shape.channels : k / shape.positions();
      const Index position = last ? k / shape.channels : k % shape.positions();
      order.push_back(position * shape.channels + at(value(input), channel));
    }
    return or_empty(std::move(order));
  }

  [[nodiscard]] bool has_channels_last(const Network::Node& node) const {
    if (node.axes != Axes::as_given) return node.axes == Axes::channels_last;
    return std::ranges::any_of(
        node.inputs, [&](Value v) { return channels_last_[static_cast<std::size_t>(v.id)]; });
  }

  /// Has the layers behind a value number their outputs so.
  /// Errors: throws NoOrder if they cannot.
  void tell(Value v, const Order& order, const std::string& who) {
    if (value(v) == order) return;
    const NoOrder impossible{"layer '" + who + "' adds what PyTorch flattens in different orders"};
    if (v.id == network_.input().id) throw impossible;
    const auto number = static_cast<std::size_t>(v.id - 1);
    const Network::Node& node = network_.nodes()[number];
    const bool free = made_[number].empty() || made_[number] == order;
    if (node.channels == Channels::mixed && free && numbers_outputs(number)) {
      made_[number] = order;
    } else if (node.channels == Channels::kept) {
      for (const Value input : node.inputs) tell(input, order, who);
    } else if (node.channels == Channels::joined) {
      tell_parts(node, order, who, impossible);
    } else {
      throw impossible;
    }
  }

  void tell_parts(const Network::Node& node, std::span<const Index> order, const std::string& who,
                  const NoOrder& impossible) {
    Index first = 0;
    for (const Value input : node.inputs) {
      const Index channels = network_.shape(input).channels;
      Order part;
      for (Index k = first; k < first + channels; ++k) {
        const Index channel = order[static_cast<std::size_t>(k)] - first;
        if (channel < 0 || channel >= channels) throw impossible;
        part.push_back(channel);
      }
      tell(input, or_empty(std::move(part)), who);
      first += channels;
    }
  }

  /// Whether another order of its parameters is another order of its outputs.
  [[nodiscard]] bool numbers_outputs(std::size_t number) const {
    const Network::Node& node = network_.nodes()[number];
    return std::ranges::any_of(network_.parameters().parameters(), [&](const Parameter& p) {
      return std::ranges::find(node.parameter_offsets, p.offset) != node.parameter_offsets.end() &&
             p.spec.output_axis >= 0;
    });
  }

  const Network& network_;
  std::vector<Order> made_;          // of the outputs of each node that makes channels of its own
  std::vector<Order> values_;        // of each value
  std::vector<bool> channels_last_;  // of each value, in PyTorch
};

}  // namespace

FileOrders file_orders(const Network& network) {
  FileOrders result;
  result.parameters.resize(network.parameters().parameters().size());
  try {
    const Orders orders(network);
    std::size_t parameter = 0;
    for (std::size_t i = 0; i < network.nodes().size(); ++i) {
      const Network::Node& node = network.nodes()[i];
      for (std::size_t p = 0; p < node.parameter_offsets.size(); ++p, ++parameter) {
        const ParameterSpec& spec = network.parameters().parameters()[parameter].spec;
        result.parameters[parameter] = orders.of(node, i, spec);
      }
    }
  } catch (const NoOrder& no_order) {
    result.exception = no_order.reason;
  }
  return result;
}

}  // namespace lockstep
