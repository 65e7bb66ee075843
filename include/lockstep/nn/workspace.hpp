#pragma once

#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep {

/// All memory that a network needs for passes up to a capacity, planned and taken once:
/// activations, their gradients, what layers save, and one scratch area.
class Workspace {
 public:
  /// `training` = false plans no gradients.
  Workspace(const Network& network, const Capacity& capacity, bool training = true);

  [[nodiscard]] Tensor input() const { return values_.front(); }
  [[nodiscard]] ConstTensor output() const { return {values_.back().data, values_.back().shape}; }
  [[nodiscard]] Tensor output_gradient() const { return gradients_.back(); }
  [[nodiscard]] const Capacity& capacity() const { return capacity_; }
  /// Bytes taken.
  [[nodiscard]] Index bytes() const { return memory_.size() * static_cast<Index>(sizeof(Real)); }

 private:
  friend class Network;

  /// The arguments of one node, built once.
  struct NodeMemory {
    std::vector<ConstTensor> inputs;
    std::vector<Tensor> input_gradients;  ///< where the layer writes
    std::vector<Tensor>
        accumulate_into;  ///< where that is added, if an earlier consumer of the value wrote before
    std::vector<std::span<const Real>> parameters;
    std::span<Real> saved;
  };

  Capacity capacity_;
  Buffer<Real> memory_;
  std::vector<Tensor> values_;  ///< by Value::id
  std::vector<Tensor>
      gradients_;  ///< by Value::id; data is null where no parameter lies before the value
  std::vector<NodeMemory> nodes_;
  std::span<Real> scratch_;
};

}  // namespace lockstep
