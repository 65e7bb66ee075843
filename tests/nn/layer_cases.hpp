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
      {"conv2d", [] { return conv2d(5); }, {{4, 5, 3}}},
      {"conv2d_strided",
       [] { return conv2d(4, {.kernel = 3, .stride = 2, .padding = 1}); },
       {{5, 6, 2}}},
      {"conv2d_valid",
       [] { return conv2d(3, {.kernel = 2, .padding = 0, .bias = false}); },
       {{3, 4, 2}}},
      {"conv2d_one_by_one", [] { return conv2d(6, {.kernel = 1, .stride = 2}); }, {{5, 3, 4}}},
      {"conv2d_dilated", [] { return conv2d(2, {.kernel = 3, .dilation = 2}); }, {{6, 7, 2}}},
      {"conv2d_dilated_strided",
       [] { return conv2d(3, {.stride = 3, .dilation = 2, .padding = 3}); },
       {{8, 9, 2}}},
      {"conv2d_stride_above_kernel",
       [] { return conv2d(3, {.kernel = 2, .stride = 3}); },
       {{7, 8, 2}}},
      {"conv2d_stride_three",
       [] { return conv2d(3, {.kernel = 5, .stride = 3, .padding = 4}); },
       {{7, 6, 2}}},
      {"conv2d_groups", [] { return conv2d(6, {.groups = 2}); }, {{4, 3, 4}}},
      {"conv2d_depthwise", [] { return conv2d(6, {.stride = 2, .groups = 3}); }, {{5, 5, 3}}},
      {"conv2d_over_tiles", [] { return conv2d(50, {.kernel = 3}); }, {{3, 17, 19}}},
      {"conv2d_winograd", [] { return conv2d(48); }, {{5, 6, 32}}},
      {"conv2d_winograd_unpadded",
       [] { return conv2d(32, {.padding = 0, .bias = false}); },
       {{6, 9, 16}}},
      {"conv2d_winograd_far_padded", [] { return conv2d(16, {.padding = 2}); }, {{2, 4, 16}}},
      {"conv2d_winograd_but_weights", [] { return conv2d(144); }, {{4, 4, 128}}},
      {"conv2d_winograd_over_batches", [] { return conv2d(16); }, {{13, 12, 16}}},
      {"conv1d", [] { return conv1d(4, {.kernel = 3}); }, {{7, 1, 3}}},
      {"conv1d_strided", [] { return conv1d(4, {.kernel = 4, .stride = 3}); }, {{11, 1, 2}}},
      {"max_pool2d", [] { return max_pool2d(); }, {{4, 6, 3}}},
      {"max_pool2d_overlapping",
       [] { return max_pool2d({.kernel = 3, .stride = 2, .padding = 1}); },
       {{6, 7, 2}}},
      {"max_pool1d", [] { return max_pool1d({.kernel = 3}); }, {{8, 1, 2}}},
      {"avg_pool2d", [] { return avg_pool2d({.kernel = 2}); }, {{5, 4, 3}}},
      {"avg_pool2d_overlapping",
       [] { return avg_pool2d({.kernel = 3, .stride = 1, .padding = 1}); },
       {{4, 5, 2}}},
      {"avg_pool1d", [] { return avg_pool1d({.kernel = 2}); }, {{7, 1, 3}}},
      {"global_avg_pool", [] { return global_avg_pool(); }, {{3, 4, 5}}},
      {"batch_norm", [] { return batch_norm(); }, {{4, 3, 5}}},
      {"batch_norm_vector", [] { return batch_norm({.epsilon = 0.5}); }, {{1, 1, 9}}},
      {"batch_norm_over_tiles", [] { return batch_norm(); }, {{19, 7, 17}}},
      {"flatten", [] { return flatten(); }, {{2, 3, 4}}},
      {"relu", [] { return relu(); }, {{2, 1, 9}}, 0.01},
      {"tanh", [] { return tanh(); }, {{1, 2, 9}}},
      {"sigmoid", [] { return sigmoid(); }, {{1, 1, 33}}},
      {"gelu", [] { return gelu(); }, {{3, 1, 7}}},
      {"leaky_relu", [] { return leaky_relu(Real(0.1)); }, {{2, 1, 9}}, 0.01},
      {"elu", [] { return elu(Real(0.75)); }, {{2, 1, 9}}, 0.01},
      {"silu", [] { return silu(); }, {{1, 3, 11}}},
      {"softmax", [] { return softmax(); }, {{2, 1, 5}}},
      {"softmax_over_lanes", [] { return softmax(); }, {{1, 1, 37}}},
      {"dropout", [] { return dropout(0.4); }, {{3, 2, 11}}},
      {"layer_norm", [] { return layer_norm(); }, {{2, 3, 7}}},
      {"layer_norm_over_strips", [] { return layer_norm(); }, {{1, 1, 67}}},
      {"rms_norm", [] { return rms_norm(); }, {{3, 1, 10}}},
      {"group_norm", [] { return group_norm(2); }, {{2, 3, 6}}},
      {"group_norm_one_group", [] { return group_norm(1); }, {{2, 2, 3}}},
      {"group_norm_over_strips", [] { return group_norm(3); }, {{2, 1, 69}}},
      {"sum", [] { return sum(); }, {{2, 2, 3}, {2, 2, 3}}},
      {"sum_of_three", [] { return sum(); }, {{1, 1, 5}, {1, 1, 5}, {1, 1, 5}}},
      {"concat", [] { return concat(); }, {{2, 3, 4}, {2, 3, 1}, {2, 3, 5}}},
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
      {"lstm_last", [] { return lstm(2, {.last = true}); }, {{6, 1, 4}}},
      {"gru", [] { return gru(5); }, {{4, 1, 3}}},
      {"gru_last", [] { return gru(3, {.last = true}); }, {{5, 1, 2}}},
  };
}

}  // namespace lockstep
