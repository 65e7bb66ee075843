#include "lockstep/nn/workspace.hpp"

#include <algorithm>

namespace lockstep {
namespace {

// Hands out aligned pieces: first counts, then, with memory behind it, points.
class Cursor {
 public:
  explicit Cursor(Real* memory) : memory_(memory) {}

  Real* take(Index count) {
    Real* piece = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += aligned<Real>(count);
    return piece;
  }
  [[nodiscard]] Index used() const { return used_; }

 private:
  Real* memory_;
  Index used_ = 0;
};

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

}  // namespace

Workspace::Workspace(const Network& network, const Capacity& capacity, bool training)
    : capacity_(capacity) {
  const std::vector<bool> needed = values_with_gradient(network);
  const std::size_t count = network.nodes().size();
  nodes_.resize(count);

  // The same walk twice: to count, then to place.
  const auto place = [&](Real* memory) {
    Cursor cursor(memory);
    values_.clear();
    gradients_.clear();
    for (std::size_t id = 0; id <= count; ++id) {
      const Shape shape = network.shape({static_cast<Index>(id)});
      const Index size = capacity.samples * shape.size();
      values_.push_back({cursor.take(size), shape});
      gradients_.push_back({training && needed[id] ? cursor.take(size) : nullptr, shape});
    }
    Index scratch = 0;
    std::vector<bool> written(count + 1, false);
    for (std::size_t i = count; i-- > 0;) {
      const Network::Node& node = network.nodes()[i];
      NodeMemory& mine = nodes_[i];
      mine = {};
      std::vector<Shape> shapes;
      for (const Value v : node.inputs) {
        const auto id = static_cast<std::size_t>(v.id);
        const Tensor gradient = gradients_[id];
        const bool again = training && needed[id] && written[id];
        shapes.push_back(network.shape(v));
        mine.inputs.push_back({values_[id].data, values_[id].shape});
        mine.input_gradients.push_back(
            {again ? cursor.take(capacity.samples * gradient.shape.size()) : gradient.data,
             gradient.shape});
        mine.accumulate_into.push_back({again ? gradient.data : nullptr, gradient.shape});
        written[id] = true;
      }
      const LayerPlan plan = node.layer->plan(shapes, capacity);
      mine.parameters.resize(plan.parameters.size());
      mine.saved = {cursor.take(plan.saved), static_cast<std::size_t>(plan.saved)};
      scratch = std::max(scratch, plan.scratch);
    }
    scratch_ = {cursor.take(scratch), static_cast<std::size_t>(scratch)};
    return cursor.used();
  };
  memory_ = Buffer<Real>(place(nullptr));
  place(memory_.data());
}

}  // namespace lockstep
