#include "lockstep/nn/workspace.hpp"

#include <algorithm>

#include "lockstep/base/scratch.hpp"

namespace lockstep {
namespace {

// True for each value on which a parameter before it depends: only there a gradient is needed.
std::vector<bool> values_with_gradient(const Network& network) {
  std::vector<bool> needed{false};
  for (const Network::Node& node : network.nodes()) {
    const bool through = std::ranges::any_of(
        node.inputs, [&](Value v) { return needed[static_cast<std::size_t>(v.id)]; });
    needed.push_back(through || !node.parameter_offsets.empty());
  }
  return needed;
}

std::vector<Shape> input_shapes(const Network& network, const Network::Node& node) {
  std::vector<Shape> shapes;
  for (const Value v : node.inputs) shapes.push_back(network.shape(v));
  return shapes;
}

// True for each value that may lie where its only input lies: the layer allows it, nobody else
// consumes that input, and backward of the layer that made it does not read it.
std::vector<bool> values_in_place(const Network& network, std::span<const LayerPlan> plans) {
  std::vector<int> consumers(plans.size() + 1, 0);
  for (const Network::Node& node : network.nodes()) {
    for (const Value v : node.inputs) ++consumers[static_cast<std::size_t>(v.id)];
  }
  std::vector<bool> in_place{false};
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const auto from = static_cast<std::size_t>(network.nodes()[i].inputs.front().id);
    const bool read_again = from > 0 && plans[from - 1].reads_output;
    in_place.push_back(plans[i].in_place && consumers[from] == 1 && !read_again);
  }
  return in_place;
}

}  // namespace

Workspace::Workspace(const Network& network, const Capacity& capacity, bool training)
    : capacity_(capacity) {
  const std::vector<bool> needed = values_with_gradient(network);
  const std::size_t count = network.nodes().size();
  nodes_.resize(count);
  std::vector<LayerPlan> plans;
  for (const Network::Node& node : network.nodes()) {
    plans.push_back(node.layer->plan(input_shapes(network, node), capacity));
  }
  const std::vector<bool> in_place = values_in_place(network, plans);

  // The same walk twice: to count, then to place.
  const auto place = [&](Scratch memory) {
    const auto take = [&](Index size) { return memory.take<Real>(size).data(); };
    values_.clear();
    gradients_.clear();
    for (std::size_t id = 0; id <= count; ++id) {
      const Shape shape = network.shape({static_cast<Index>(id)});
      const Index size = capacity.samples * shape.size();
      const auto from =
          in_place[id] ? static_cast<std::size_t>(network.nodes()[id - 1].inputs[0].id) : id;
      values_.push_back({in_place[id] ? values_[from].data : take(size), shape});
      if (!training || !needed[id]) {
        gradients_.push_back({nullptr, shape});
      } else {
        const bool shared = in_place[id] && needed[from];
        gradients_.push_back({shared ? gradients_[from].data : take(size), shape});
      }
    }
    Index scratch = 0;
    std::vector<bool> written(count + 1, false);
    for (std::size_t i = count; i-- > 0;) {
      const Network::Node& node = network.nodes()[i];
      NodeMemory& mine = nodes_[i];
      mine = {};
      for (const Value v : node.inputs) {
        const auto id = static_cast<std::size_t>(v.id);
        const Tensor gradient = gradients_[id];
        const bool again = training && needed[id] && written[id];
        mine.inputs.push_back({values_[id].data, values_[id].shape});
        mine.input_gradients.push_back(
            {again ? take(capacity.samples * gradient.shape.size()) : gradient.data,
             gradient.shape});
        mine.accumulate_into.push_back({again ? gradient.data : nullptr, gradient.shape});
        written[id] = true;
      }
      const LayerPlan& plan = plans[i];
      mine.parameters.resize(plan.parameters.size());
      mine.saved = memory.take<Real>(plan.saved);
      scratch = std::max(scratch, plan.scratch);
    }
    scratch_ = memory.take<Real>(scratch);
    return memory.size();
  };
  memory_ = Buffer<Real>(place(Scratch::counting()));
  place(Scratch(memory_.span()));
}

}  // namespace lockstep
