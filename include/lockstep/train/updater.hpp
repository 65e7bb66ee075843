#pragma once

#include <span>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/nn/parameter_table.hpp"
#include "lockstep/optim/optimizer.hpp"

namespace lockstep {

/// Changes the owned slices of the parameters after each step, each part according to its role:
/// what is learned by the optimizer's rule, statistics by averaging. It holds the optimizer's state
/// of what is owned.
class Updater {
 public:
  /// `slices` of the flat buffers, in order, are owned. `decay_all`: weight decay pulls at biases,
  /// too. The optimizer must outlive the updater.
  Updater(const ParameterTable& table, const Optimizer& optimizer, std::span<const Range> slices,
          bool decay_all = true);

  /// Updates what is owned of the whole buffer `parameters`; `gradients[s]` is where the gradient
  /// of slice s begins, a sum over `samples` samples. Allocates nothing.
  void update(std::span<Real> parameters, std::span<const Real* const> gradients,
              const Update& update, Index samples);

  /// One buffer for each of the optimizer's slots: the owned slices, one after the other.
  [[nodiscard]] std::span<Buffer<Real>> state() { return state_; }

 private:
  /// What is updated in one way and lies in one slice.
  struct Piece {
    std::size_t slice;
    Index in_slice;  ///< where it begins in its slice
    Index in_state;  ///< and in the state
    RoleRange part;  ///< and in the whole buffer
  };

  const Optimizer& optimizer_;
  bool decay_all_;
  std::vector<Piece> pieces_;
  std::vector<Buffer<Real>> state_;
  std::vector<std::span<Real>> slots_;  ///< scratch of `update`
};

}  // namespace lockstep
