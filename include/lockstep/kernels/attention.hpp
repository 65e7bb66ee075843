#pragma once

#include <span>

#include "lockstep/base/types.hpp"

/// Scaled dot-product attention of every head of every sample:
///
///     s(i, j) = sum over c of q(i, c) k(j, c)         p(i, .) = softmax of s(i, .) / sqrt(width)
///     y(i, c) = sum over j of p(i, j) v(j, c)
///
/// where with `causal` position i sees the positions j <= i only. A p below 1e-30 (exp(-69)) of the
/// largest in its row is zero.
///
/// The scores of a block of queries exist at a time, in the caches of a thread: memory grows with
/// the number of positions, not with its square. Forward keeps two numbers of each row, from which
/// backward computes the row again. Every element of a product is one chain of multiply-adds in the
/// order of the index that is summed over, so its bits are a function of the sample alone.
/// Source: Vaswani et al. 2017, arXiv 1706.03762; Dao et al. 2022, arXiv 2205.14135.
namespace lockstep::kernels {

struct AttentionShape {
  Index positions = 0;
  Index heads = 1;
  Index width = 0;  ///< channels of one head
  bool causal = false;

  [[nodiscard]] Index channels() const { return heads * width; }
};

/// Shapes: qkv (samples * positions, 3 * channels): q, k and v side by side, each head after head;
/// y (samples * positions, channels).
/// Saved: statistics, attention_statistics(shape) numbers of each sample.
/// Cost: 4 * positions^2 * channels operations of each sample, half of it if causal.
void attention_forward(const AttentionShape& shape, ConstMatrix qkv, Matrix y,
                       std::span<Real> statistics, std::span<Real> scratch);

/// Row `position` of the y of one sample, from the rows of qkv up to it, with the bits of
/// attention_forward; the shape must be causal.
/// Shapes: qkv (positions, 3 * channels), y (1, channels). Scratch: that of attention_forward.
/// Cost: 4 * (position + 1) * channels operations.
void attention_step(const AttentionShape& shape, ConstMatrix qkv, Index position, Matrix y,
                    std::span<Real> scratch);

/// Sets dqkv.
/// Shapes: dy like y, dqkv like qkv.
/// Cost: 2.5 times that of forward.
void attention_backward(const AttentionShape& shape, ConstMatrix qkv, ConstMatrix y,
                        std::span<const Real> statistics, ConstMatrix dy, Matrix dqkv,
                        std::span<Real> scratch);

/// Numbers that forward keeps of one sample for backward besides qkv and y: the largest score of
/// each row of each head, and 1 / the sum of its exponentials.
[[nodiscard]] Index attention_statistics(const AttentionShape& shape);

/// Numbers of scratch that each of the three needs.
[[nodiscard]] Index attention_scratch(const AttentionShape& shape, int threads);

}  // namespace lockstep::kernels
