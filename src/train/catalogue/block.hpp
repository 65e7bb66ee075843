#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/config/schema.hpp"
#include "lockstep/config/settings.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep {

/// One copy of a block on its way into a network. Its layers are called BLOCK.LAYER, or
/// BLOCK.COPY.LAYER if the block is repeated, as modules in a torch.nn.Sequential are:
/// "stage2.conv1", "blocks.0.self_attn".
class BlockCopy {
 public:
  /// Copies are counted from 0.
  BlockCopy(Network& network, const std::string& block, Index copy, Index copies)
      : network_(network),
        prefix_(block + "." + (copies > 1 ? std::to_string(copy) + "." : "")),
        copy_(copy) {}

  Value add(std::string_view layer_name, std::unique_ptr<Layer> layer, std::vector<Value> from) {
    return network_.add(std::move(layer), prefix_ + std::string(layer_name), std::move(from));
  }
  [[nodiscard]] Shape shape(Value value) const { return network_.shape(value); }
  [[nodiscard]] Index copy() const { return copy_; }

 private:
  Network& network_;
  std::string prefix_;
  Index copy_;
};

/// Several layers that a configuration names as one: the keys and, beside them, the code that adds
/// the layers of one copy, from its input to its output.
struct BlockRow {
  config::Component component;
  Value (*add)(BlockCopy& block, const config::Settings& settings, Value input);
};

[[nodiscard]] const std::vector<BlockRow>& block_rows();

/// The key that every block has.
[[nodiscard]] const config::Key& repeat_key();

/// Adds a block as often as `repeat` says, each copy on the output of the one before; returns the
/// last output.
Value add_block(const BlockRow& row, const config::Settings& settings, Value input,
                Network& network);

}  // namespace lockstep
