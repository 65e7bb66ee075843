#include "lockstep/nn/blocks.hpp"

#include <utility>

namespace lockstep {
namespace {

/// Dropout where there is a rate.
Value thinned(BlockCopy& block, std::string_view name, double rate, Value value) {
  return rate > 0 ? block.add(name, dropout(rate), {value}) : value;
}

}  // namespace

BlockCopy::BlockCopy(Network& network, const std::string& block, Index copy, Index copies)
    : network_(network),
      prefix_(block + "." + (copies > 1 ? std::to_string(copy) + "." : "")),
      copy_(copy) {}

Value BlockCopy::add(std::string_view layer_name, std::unique_ptr<Layer> layer,
                     std::vector<Value> from) {
  return network_.add(std::move(layer), prefix_ + std::string(layer_name), std::move(from));
}

Value residual_block(BlockCopy& block, const ResidualBlockOptions& o, Value input) {
  const Index stride = block.copy() == 0 ? o.stride : 1;
  const ConvOptions first{.stride = stride, .padding = 1, .bias = false};
  const ConvOptions second{.padding = 1, .bias = false};
  Value main = block.add("conv1", conv2d(o.channels, first), {input});
  main = block.add("bn1", batch_norm(), {main});
  main = block.add("activation1", o.activation(), {main});
  main = block.add("conv2", conv2d(o.channels, second), {main});
  main = block.add("bn2", batch_norm(), {main});
  Value shortcut = input;
  if (stride != 1 || block.shape(input).channels != o.channels) {
    const ConvOptions project{.kernel = 1, .stride = stride, .padding = 0, .bias = false};
    shortcut = block.add("shortcut.0", conv2d(o.channels, project), {input});
    shortcut = block.add("shortcut.1", batch_norm(), {shortcut});
  }
  const Value joined = block.add("sum", sum(), {main, shortcut});
  return block.add("activation2", o.activation(), {joined});
}

Value transformer_block(BlockCopy& block, const TransformerBlockOptions& o, Value input) {
  const Index channels = block.shape(input).channels;
  Value x = input;
  Value part = o.norm_first ? block.add("norm1", layer_norm(), {x}) : x;
  part = block.add("self_attn", attention({.heads = o.heads, .causal = o.causal}), {part});
  part = thinned(block, "dropout1", o.dropout, part);
  x = block.add("sum1", sum(), {part, x});
  if (!o.norm_first) x = block.add("norm1", layer_norm(), {x});

  part = o.norm_first ? block.add("norm2", layer_norm(), {x}) : x;
  part = block.add("linear1", linear(o.hidden.value_or(4 * channels)), {part});
  part = block.add("activation", o.activation(), {part});
  part = thinned(block, "dropout", o.dropout, part);
  part = block.add("linear2", linear(channels), {part});
  part = thinned(block, "dropout2", o.dropout, part);
  x = block.add("sum2", sum(), {part, x});
  return o.norm_first ? x : block.add("norm2", layer_norm(), {x});
}

}  // namespace lockstep
