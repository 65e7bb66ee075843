#pragma once

#include <string>
#include <vector>

#include "lockstep/nn/blocks.hpp"

namespace lockstep {

/// A block in one of its forms.
struct BlockCase {
  std::string name;
  std::string type;  ///< in configs
  Value (*add)(BlockCopy& block, Value input);
};

/// At least one of each block.
inline const std::vector<BlockCase>& block_cases() {
  static const std::vector<BlockCase> cases{
      {"Residual", "residual_block",
       [](BlockCopy& block, Value input) { return residual_block(block, {.channels = 3}, input); }},
      {"ResidualWithAnotherShape", "residual_block",
       [](BlockCopy& block, Value input) {
         return residual_block(block, {.channels = 4, .stride = 2, .activation = gelu}, input);
       }},
      {"TransformerPre", "transformer_block",
       [](BlockCopy& block, Value input) {
         return transformer_block(block, {.hidden = 5, .causal = true}, input);
       }},
      {"TransformerPostWithDropout", "transformer_block", [](BlockCopy& block, Value input) {
         return transformer_block(
             block, {.heads = 3, .activation = silu, .norm_first = false, .dropout = 0.3}, input);
       }}};
  return cases;
}

}  // namespace lockstep
