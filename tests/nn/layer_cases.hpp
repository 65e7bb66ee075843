#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "lockstep/nn/layers.hpp"

namespace lockstep {

/// One row of the catalogue that all contract tests of layers walk through.
struct LayerCase {
  std::string name;
  std::function<std::unique_ptr<Layer>()> make;
  std::vector<Shape> inputs;
  double kink = 0;    ///< inputs stay this far from 0, where the slope jumps
  Index symbols = 0;  ///< if not 0, inputs are whole numbers in [0, symbols)
};

inline std::ostream& operator<<(std::ostream& out, const LayerCase& c) { return out << c.name; }

inline std::vector<LayerCase> layer_cases() {
  return {
      {"linear", [] { return linear(5); }, {{1, 1, 7}}},
      {"linear_positions", [] { return linear(4); }, {{3, 2, 5}}},
      {"linear_without_bias", [] { return linear(3, {.bias = false}); }, {{2, 1, 4}}},
      {"linear_one_to_one", [] { return linear(1); }, {{1, 1, 1}}},
      {"linear_over_tiles", [] { return linear(515); }, {{1, 1, 130}}},
      {"flatten", [] { return flatten(); }, {{2, 3, 4}}},
      {"relu", [] { return relu(); }, {{2, 1, 9}}, 0.01},
      {"tanh", [] { return tanh(); }, {{1, 2, 9}}},
      {"sigmoid", [] { return sigmoid(); }, {{1, 1, 33}}},
      {"gelu", [] { return gelu(); }, {{3, 1, 7}}},
      {"attention", [] { return attention({.heads = 2}); }, {{5, 1, 6}}},
      {"attention_causal", [] { return attention({.heads = 3, .causal = true}); }, {{7, 1, 6}}},
      {"attention_without_bias",
       [] { return attention({.heads = 1, .bias = false}); },
       {{2, 2, 3}}},
      {"attention_over_blocks",
       [] { return attention({.heads = 1, .causal = true}); },
       {{37, 1, 18}}},
      {"embedding", [] { return embedding({.symbols = 7, .dim = 3}); }, {{1, 1, 5}}, 0, 7},
      {"embedding_learned",
       [] { return embedding({.symbols = 40, .dim = 4, .positions = Positions::learned}); },
       {{4, 1, 1}},
       0,
       40},
      {"embedding_sinusoidal",
       [] { return embedding({.symbols = 3, .dim = 5, .positions = Positions::sinusoidal}); },
       {{3, 2, 1}},
       0,
       3},
      {"lstm", [] { return lstm(5); }, {{4, 1, 3}}},
      {"lstm_last", [] { return lstm(2, {.last = true}); }, {{3, 2, 4}}},
      {"gru", [] { return gru(5); }, {{4, 1, 3}}},
      {"gru_last", [] { return gru(3, {.last = true}); }, {{5, 1, 2}}},
  };
}

}  // namespace lockstep
