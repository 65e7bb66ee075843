#pragma once

#include <array>
#include <cassert>
#include <span>

#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/kernels/linear.hpp"
#include "lockstep/nn/layer.hpp"

namespace lockstep {

/// Where the gradients of a product's weight and bias go, block by block.
class LinearGradients {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  /// `weight` and `bias` are positions among the layer's parameters; `bias` may be kNone.
  LinearGradients(const LayerBackward& b, std::size_t weight, std::size_t bias)
      : count_(b.gradients.size()) {
    assert(count_ <= kMaxBlocks);
    for (std::size_t i = 0; i < count_; ++i) {
      blocks_[i] = {.block = b.gradients[i].block,
                    .dw = b.gradient(i, weight).data(),
                    .dbias = bias == kNone ? std::span<Real>{} : b.gradient(i, bias)};
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
