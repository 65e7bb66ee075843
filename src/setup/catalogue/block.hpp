#pragma once

#include <vector>

#include "lockstep/config/schema.hpp"
#include "lockstep/config/settings.hpp"
#include "lockstep/nn/blocks.hpp"

namespace lockstep {

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
