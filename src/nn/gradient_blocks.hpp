#pragma once

#include <array>
#include <cassert>
#include <span>

#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/kernels/linear.hpp"
#include "lockstep/nn/layer.hpp"

namespace lockstep {

/// Where the gradients of a layer's weight (parameter 0) and bias (parameter 1) go, block by block.
class LinearGradients {
 public:
  LinearGradients(const LayerBackward& b, bool bias) : count_(b.gradients.size()) {
    assert(count_ <= kMaxBlocks);
    for (std::size_t i = 0; i < count_; ++i) {
      blocks_[i] = {.block = b.gradients[i].block,
                    .dw = b.gradient(i, 0).data(),
                    .dbias = bias ? b.gradient(i, 1) : std::span<Real>{}};
    }
  }

  [[nodiscard]] std::span<const kernels::LinearGradient> blocks() const {
    return std::span(blocks_).first(count_);
  }

 private:
  // A share splits into at most two aligned blocks of each size.
  static constexpr std::size_t kMaxBlocks = 2 * OrderedSum::kMaxDepth;

  std::array<kernels::LinearGradient, kMaxBlocks> blocks_;
  std::size_t count_;
};

}  // namespace lockstep
