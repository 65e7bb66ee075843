#pragma once

#include <memory>

#include "lockstep/nn/layer.hpp"

// The catalogue of layers. Each is written in src/nn/layers/NAME.cpp and named for configs in
// src/train/catalogue/layers.cpp.

namespace lockstep {

struct LinearOptions {
  bool bias = true;
  Initializer::Kind weights = Initializer::Kind::he_normal;
};

/// Fully connected: y = x W + b, for each position alone. Parameters: weight (in, out), bias (out),
/// zero at first. Shapes: input (H, W, in), output (H, W, out). Errors: throws if outputs < 1.
std::unique_ptr<Layer> linear(Index outputs, const LinearOptions& options = {});

/// (H, W, C) as one vector (1, 1, H W C). Moves nothing but the values.
std::unique_ptr<Layer> flatten();

/// y = max(x, 0); the slope at 0 is 0.
std::unique_ptr<Layer> relu();

/// y = tanh(x).
std::unique_ptr<Layer> tanh();

/// y = 1 / (1 + exp(-x)).
std::unique_ptr<Layer> sigmoid();

/// y = x Phi(x), Phi the distribution function of the standard normal: x / 2 (1 + erf(x / sqrt 2)).
/// Source: Hendrycks, Gimpel 2016, arXiv 1606.08415.
std::unique_ptr<Layer> gelu();

struct AttentionOptions {
  Index heads = 1;
  bool causal = false;  ///< position t sees the positions up to t only
  bool bias = true;     ///< of both projections
  Initializer::Kind weights = Initializer::Kind::xavier_uniform;
};

/// Multi-head self-attention over the positions of a sample: with (q k v) = x W_in + b_in cut into
/// heads of d = C / heads channels, y = (softmax(q k^T / sqrt d) v of all heads) W_out + b_out.
/// Parameters, with names and layouts of PyTorch's MultiheadAttention: in_proj_weight (C, 3 C),
/// in_proj_bias (3 C), out_proj.weight (C, C), out_proj.bias (C), biases zero at first. Shapes:
/// input and output (H, W, C), a sequence being (T, 1, C).
/// Saved: q, k, v, the heads' results and two numbers for each row of each head; never the scores.
/// Errors: throws if heads < 1 or heads do not divide C.
/// Source: Vaswani et al. 2017, arXiv 1706.03762.
std::unique_ptr<Layer> attention(const AttentionOptions& options);

struct RecurrentOptions {
  bool last = false;  ///< the output is that of the last position only
  Initializer::Kind weights = Initializer::Kind::xavier_uniform;
};

/// Long short-term memory, from a state h = c = 0 through the positions of a sample:
///
///     (i f g o) = x W_ih + b_ih + h W_hh + b_hh     i, f, o through sigmoid, g through tanh
///     c' = f c + i g                                y = h' = o tanh(c')
///
/// Parameters, with names, gates and layouts of PyTorch's LSTM: weight_ih_l0 (C, 4 units),
/// weight_hh_l0 (units, 4 units), bias_ih_l0, bias_hh_l0 (4 units), biases zero at first. Shapes:
/// input (T, 1, C), output (T, 1, units), or (1, 1, units) with `last`.
/// Saved: gates, h and c of every position, 6 * units of each row.
/// Errors: throws if units < 1.
/// Source: Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000.
std::unique_ptr<Layer> lstm(Index units, const RecurrentOptions& options = {});

/// Gated recurrent unit, from a state h = 0 through the positions of a sample; with
/// (a_r a_z a_n) = x W_ih + b_ih and (e_r e_z e_n) = h W_hh + b_hh:
///
///     r = sigmoid(a_r + e_r)     z = sigmoid(a_z + e_z)     n = tanh(a_n + r e_n)
///     y = h' = (1 - z) n + z h
///
/// Parameters, with names, gates and layouts of PyTorch's GRU: as of lstm, with 3 units. Shapes: as
/// of lstm.
/// Saved: gates, h and e_n of every position, 5 * units of each row.
/// Errors: throws if units < 1.
/// Source: Cho et al. 2014, arXiv 1406.1078.
std::unique_ptr<Layer> gru(Index units, const RecurrentOptions& options = {});

/// What an embedding adds to tell positions apart.
enum class Positions { none, learned, sinusoidal };

struct EmbeddingOptions {
  Index symbols = 0;
  Index dim = 0;
  Positions positions = Positions::none;
  Real deviation = 1;  ///< initial weights are N(0, deviation^2)
};

/// A learned row for each symbol: y(t) = weight(x(t)) + position(t), x(t) being the number of a
/// symbol, a whole number in [0, symbols). position(t) is nothing, a learned row, or
/// (sin(t w_0), cos(t w_0), sin(t w_1), ...) with w_i = 10000^(-2 i / dim). Parameters: weight
/// (symbols, dim) and, if learned, positions (T, dim). Shapes: input (T, 1, 1) or a vector
/// (1, 1, T), output (T, 1, dim).
/// The nearest whole number counts; a number outside gives a row of NaN. Data sets are checked
/// before training: LayerPlan::symbols. The gradient of the input is zero.
/// Cost of the gradient: grows with the symbols that occur, besides setting the rest to zero.
/// Errors: throws if symbols or dim is not in [1, 2^24], if the input has several positions of
/// several channels, or a share has more than 2^24 symbols. Source: of the sinusoids, Vaswani et
/// al. 2017, arXiv 1706.03762.
std::unique_ptr<Layer> embedding(const EmbeddingOptions& options);

}  // namespace lockstep
