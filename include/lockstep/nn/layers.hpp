#pragma once

#include <memory>
#include <optional>

#include "lockstep/nn/layer.hpp"

// The catalogue of layers. Each is written in src/nn/layers/NAME.cpp and named for configs in
// src/setup/catalogue/layers.cpp.

namespace lockstep {

struct LinearOptions {
  bool bias = true;
  Initializer::Kind weights = Initializer::Kind::he_normal;
};

/// Fully connected: y = x W + b, for each position alone.
/// Parameters: weight (in, out), bias (out), zero at first.
/// Shapes: input (H, W, in), output (H, W, out).
/// Errors: throws if outputs < 1.
std::unique_ptr<Layer> linear(Index outputs, const LinearOptions& options = {});

struct ConvOptions {
  Index kernel = 3;  ///< places of the window along each axis
  Index stride = 1;
  Index dilation = 1;
  std::optional<Index> padding{};  ///< zeros on each side of each axis; without: "same"
  Index groups = 1;
  bool bias = true;
  Initializer::Kind weights = Initializer::Kind::he_normal;
};

/// Convolution over height and width: y[i, j, o] = b[o] + sum over r, s, c of
/// x[i stride - before + r dilation, j stride - before + s dilation, c] W[r, s, c, o], where x is
/// zero outside the image. With padding "same" the output has ceil(H / stride) x ceil(W / stride)
/// places, and of an odd number of zeros the larger part stands behind. Of `groups` equal parts of
/// the channels, outputs see the inputs of their own part only; as many groups as channels are a
/// depthwise convolution.
/// Parameters: weight (kernel, kernel, in / groups, out), bias (out), zero at first.
/// Shapes: input (H, W, in), output (H', W', out), H' =
/// floor((H + zeros - dilation (kernel - 1) - 1) / stride) + 1. The same as torch.nn.Conv2d.
/// Errors: throws if outputs, kernel, stride, dilation or groups are below 1, groups do not divide
/// channels and outputs, the window is larger than the padded image, or padding is negative or at
/// least as wide as the window.
std::unique_ptr<Layer> conv2d(Index outputs, const ConvOptions& options = {});

/// The same over the positions of a sequence.
/// Parameters: weight (kernel, in / groups, out), bias (out).
/// Shapes: input (T, 1, in), output (T', 1, out). The same as torch.nn.Conv1d.
std::unique_ptr<Layer> conv1d(Index outputs, const ConvOptions& options = {});

struct PoolOptions {
  Index kernel = 2;
  std::optional<Index> stride{};  ///< without: the kernel, so that windows do not overlap
  Index padding = 0;              ///< on each side of each axis
};

/// The largest number of each window, for each channel; padding is never the largest. Its gradient
/// goes to the first of equals.
/// Shapes: input (H, W, C), output (H', W', C), H' = floor((H + 2 padding - kernel) / stride) + 1.
/// The same as torch.nn.MaxPool2d.
/// Errors: throws if kernel or stride is below 1, padding is negative or at least the kernel, or
/// the window does not fit.
std::unique_ptr<Layer> max_pool2d(const PoolOptions& options = {});
/// The same over the positions of a sequence (T, 1, C).
std::unique_ptr<Layer> max_pool1d(const PoolOptions& options = {});

/// The mean of each window, for each channel; padding counts as zeros. Shapes and errors are those
/// of max_pool2d. The same as torch.nn.AvgPool2d.
std::unique_ptr<Layer> avg_pool2d(const PoolOptions& options = {});
/// The same over the positions of a sequence (T, 1, C).
std::unique_ptr<Layer> avg_pool1d(const PoolOptions& options = {});

/// The mean over all positions: (H, W, C) to (1, 1, C).
std::unique_ptr<Layer> global_avg_pool();

struct BatchNormOptions {
  double momentum = 0.1;  ///< share by which a step moves the running statistics
  double epsilon = 1e-5;
};

/// Batch normalization: y = (x - mean) / sqrt(variance + epsilon) * weight + bias, for each channel
/// alone. In training, mean and variance are those of the samples and positions of the microbatch
/// ("ghost batch norm"), so that the bits do not depend on the share; else the running ones.
/// Parameters: weight (C), one at first; bias (C), zero; the statistics running_mean (C), zero, and
/// running_var (C), one, which each step moves by the share `momentum` towards the mean over its
/// samples of the means and unbiased variances of their microbatches. With one microbatch the same
/// as torch.nn.BatchNorm2d; a single value per channel, which that refuses, gives y = bias.
/// Shapes: input and output (H, W, C).
/// Saved: mean, 1 / sqrt(variance + epsilon) and unbiased variance of each microbatch.
/// Errors: throws if momentum is outside (0, 1] or epsilon <= 0.
/// Source: Ioffe, Szegedy 2015, arXiv 1502.03167; Hoffer, Hubara, Soudry 2017, arXiv 1705.08741.
std::unique_ptr<Layer> batch_norm(const BatchNormOptions& options = {});

/// (H, W, C) as one vector (1, 1, H W C). Moves nothing but the values.
std::unique_ptr<Layer> flatten();

/// y = max(x, 0); the slope at 0 is 0.
std::unique_ptr<Layer> relu();

/// y = x if x > 0, else slope x; the slope at 0 is that of the negative side.
/// Errors: throws if slope < 0.
/// Source: Maas, Hannun, Ng 2013.
std::unique_ptr<Layer> leaky_relu(Real slope = Real(0.01));

/// y = x if x > 0, else alpha (exp(x) - 1).
/// Errors: throws unless alpha > 0.
/// Source: Clevert, Unterthiner, Hochreiter 2015, arXiv 1511.07289.
std::unique_ptr<Layer> elu(Real alpha = 1);

/// y = x / (1 + exp(-x)).
/// Source: Elfwing, Uchibe, Doya 2017, arXiv 1702.03118.
std::unique_ptr<Layer> silu();

/// y = tanh(x).
std::unique_ptr<Layer> tanh();

/// y = 1 / (1 + exp(-x)).
std::unique_ptr<Layer> sigmoid();

/// y = x Phi(x), Phi the distribution function of the standard normal: x / 2 (1 + erf(x / sqrt 2)).
/// Source: Hendrycks, Gimpel 2016, arXiv 1606.08415.
std::unique_ptr<Layer> gelu();

/// Softmax over the channels of each position: y_j = exp(x_j) / sum_i exp(x_i). The loss
/// cross_entropy has its own, so that a classifier ends without this layer.
std::unique_ptr<Layer> softmax();

/// Inverted dropout: in training each number is 0 with probability `rate` and x / (1 - rate)
/// otherwise; elsewhere y = x. What is dropped is a pure function of (seed, step, number of the
/// layer, microbatch, row within it, element); nothing is stored.
/// Errors: throws unless 0 <= rate < 1.
/// Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014.
std::unique_ptr<Layer> dropout(double rate);

// Norms. Their variances are divided by the number of values; parameters have one number per
// channel: weight, ones at first, and bias, zeros at first. All throw unless epsilon > 0.

/// Over the channels of each position: y = (x - mean) / sqrt(variance + epsilon) weight + bias.
/// Saved: mean and 1 / sqrt(variance + epsilon) of each position.
/// Source: Ba, Kiros, Hinton 2016, arXiv 1607.06450.
std::unique_ptr<Layer> layer_norm(double epsilon = 1e-5);

/// Over the channels of each position: y = x / sqrt(mean of x^2 + epsilon) weight; no bias.
/// Source: Zhang, Sennrich 2019, arXiv 1910.07467.
std::unique_ptr<Layer> rms_norm(double epsilon = 1e-5);

/// The formula of layer_norm over all positions and C / groups neighbouring channels of each
/// sample.
/// Saved: mean and 1 / sqrt(variance + epsilon), for each channel of each sample.
/// Errors: throws if groups < 1 or if groups do not divide the channels.
/// Source: Wu, He 2018, arXiv 1803.08494.
std::unique_ptr<Layer> group_norm(Index groups, double epsilon = 1e-5);

// Layers of several inputs.

/// y = a + b + ..., for two or more inputs of one shape: the end of a residual connection.
/// Errors: throws if the shapes differ.
std::unique_ptr<Layer> sum();

/// The channels of two or more inputs of equal height and width, one input after the other.
/// Errors: throws if heights or widths differ.
std::unique_ptr<Layer> concat();

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
/// Errors: throws if units < 1, or if the input is no sequence of at least 2 positions.
/// Source: Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000.
std::unique_ptr<Layer> lstm(Index units, const RecurrentOptions& options = {});

/// Gated recurrent unit, from a state h = 0 through the positions of a sample; with (a_r a_z a_n) =
/// x W_ih + b_ih and (e_r e_z e_n) = h W_hh + b_hh:
///
///     r = sigmoid(a_r + e_r)     z = sigmoid(a_z + e_z)     n = tanh(a_n + r e_n)
///     y = h' = (1 - z) n + z h
///
/// Parameters, with names, gates and layouts of PyTorch's GRU: as of lstm, with 3 units.
/// Shapes: as of lstm.
/// Saved: gates, h and e_n of every position, 5 * units of each row.
/// Errors: throws if units < 1, or if the input is no sequence of at least 2 positions.
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
/// (sin(t w_0), cos(t w_0), sin(t w_1), ...) with w_i = 10000^(-2 i / dim).
/// Parameters: weight (symbols, dim) and, if learned, positions (T, dim).
/// Shapes: input (T, 1, 1) or a vector (1, 1, T), output (T, 1, dim). The nearest whole number
/// counts; a number outside gives a row of NaN. Data sets are checked before training:
/// LayerPlan::symbols. The gradient of the input is zero. Cost of the gradient: grows with the
/// symbols that occur, besides setting the rest to zero.
/// Errors: throws if symbols or dim is not in [1, 2^24], if the input has several positions of
/// several channels, or a share has more than 2^24 symbols.
/// Source: of the sinusoids, Vaswani et al. 2017, arXiv 1706.03762.
std::unique_ptr<Layer> embedding(const EmbeddingOptions& options);

}  // namespace lockstep
