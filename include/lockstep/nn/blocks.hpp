#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/network.hpp"

// Several layers that are added to a network as one. They are written in src/nn/blocks.cpp and
// named for configs in src/setup/catalogue/blocks.cpp.

namespace lockstep {

/// One copy of a block on its way into a network. Its layers are called BLOCK.LAYER, or
/// BLOCK.COPY.LAYER if the block is repeated, as modules in a torch.nn.Sequential are:
/// "stage2.conv1", "blocks.0.self_attn".
class BlockCopy {
 public:
  /// Copies are counted from 0.
  BlockCopy(Network& network, const std::string& block, Index copy, Index copies);

  Value add(std::string_view layer_name, std::unique_ptr<Layer> layer, std::vector<Value> from);
  [[nodiscard]] Shape shape(Value value) const { return network_.shape(value); }
  [[nodiscard]] Index copy() const { return copy_; }

 private:
  Network& network_;
  std::string prefix_;
  Index copy_;
};

/// Makes an activation.
using Activation = std::unique_ptr<Layer> (*)();

struct ResidualBlockOptions {
  Index channels = 0;  ///< of the output
  Index stride = 1;    ///< of the first convolution of the first copy
  Activation activation = relu;
};

/// y = f(F(x) + x), F = conv 3x3, norm, f, conv 3x3, norm, f an activation; where the shape
/// changes, x goes through a convolution 1x1 and a norm. Only the first copy strides.
/// Source: He, Zhang, Ren, Sun 2015, arXiv 1512.03385.
Value residual_block(BlockCopy& block, const ResidualBlockOptions& options, Value input);

struct TransformerBlockOptions {
  Index heads = 1;
  std::optional<Index>
      hidden{};  ///< channels between the linear layers; without: 4 times the input's
  Activation activation = gelu;
  bool norm_first = true;  ///< norms stand before attention and linear layers, not after the sums
  bool causal = false;     ///< a position sees only itself and those before it
  double dropout = 0;      ///< rate before each sum and between the linear layers
};

/// y = x + F(x) for attention and then for two linear layers, with a norm before F or after the
/// sum. Layers and parameters have the names of torch.nn.TransformerEncoderLayer.
/// Source: Vaswani et al. 2017, arXiv 1706.03762; Xiong et al. 2020, arXiv 2002.04745.
Value transformer_block(BlockCopy& block, const TransformerBlockOptions& options, Value input);

}  // namespace lockstep
