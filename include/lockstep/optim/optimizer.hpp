#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// What an update of one step needs to know beside the numbers.
struct Update {
  std::uint64_t step = 1;  ///< of this update, from 1
  double learning_rate = 0;
  double gradient_scale = 1;  ///< every gradient counts as gradient_scale * gradient (clipping)
  bool decays = true;         ///< whether weight decay counts for these parameters
  double trust_ratio = 1;     ///< for a rule that scales its updates
};

/// The part of a rule that scales the update of each weight to the weight's own length, which only
/// all owners of the tensor know together. First `direct` is called for everything that is learned;
/// then `Optimizer::step` with what that wrote in place of the gradient, and with the ratio of the
/// tensor. Biases, scales and shifts have the ratio 1, and so has a tensor if it or its update is
/// 0.
class TrustRatio {
 public:
  virtual ~TrustRatio() = default;

  /// Writes the update before it is scaled. Slices as in Optimizer::step. Allocates nothing.
  virtual void direct(std::span<const Real> parameters, std::span<const Real> gradient,
                      std::span<const std::span<Real>> state, const Update& update,
                      std::span<Real> direction) const = 0;
  /// The ratio of a tensor from the norms of it and of its update, neither of which is 0.
  [[nodiscard]] virtual double ratio(double parameter_norm, double direction_norm) const = 0;
};

/// A stateless update rule. Parameters, gradient and state are slices of equal length of flat
/// buffers, so that the update can be shared among ranks; each number is updated on its own, and
/// cutting the slices changes no bit.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  [[nodiscard]] virtual std::string_view type() const = 0;
  /// The names of the state buffers, as in checkpoints; all are zero at first.
  [[nodiscard]] virtual std::span<const std::string_view> slots() const = 0;
  /// For a rule that scales its updates; null for all others.
  [[nodiscard]] virtual const TrustRatio* trust_ratio() const { return nullptr; }
  /// Updates `parameters` and state[slot], one span per slot. Allocates nothing.
  virtual void step(std::span<Real> parameters, std::span<const Real> gradient,
                    std::span<const std::span<Real>> state, const Update& update) const = 0;
};

struct SgdOptions {
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
};

/// Gradient descent: g = gradient + weight_decay * w; v = momentum * v + g
/// (v = g in the first step); w -= learning_rate * v, or learning_rate * (g + momentum * v) with
/// nesterov.
/// State: momentum, if momentum > 0. The same rule as torch.optim.SGD.
/// Errors: throws if momentum is outside [0, 1), weight_decay < 0, or nesterov without momentum.
std::unique_ptr<Optimizer> sgd(const SgdOptions& options = {});

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};

/// Adam with decoupled weight decay: w *= 1 - learning_rate * weight_decay; m = beta1 m +
/// (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w -= learning_rate * m / (1 - beta1^t) /
/// (sqrt(v / (1 - beta2^t)) + epsilon).
/// State: exp_avg (m), exp_avg_sq (v). The same rule as torch.optim.AdamW.
/// Errors: throws if a beta is outside [0, 1), epsilon <= 0 or weight_decay < 0.
/// Source: Loshchilov, Hutter 2019, arXiv 1711.05101.
std::unique_ptr<Optimizer> adamw(const AdamWOptions& options = {});

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

/// Adam: as adamw, but weight decay is part of the gradient: g = gradient + weight_decay * w. The
/// same rule as torch.optim.Adam.
/// Source: Kingma, Ba 2015, arXiv 1412.6980.
std::unique_ptr<Optimizer> adam(const AdamOptions& options = {});

struct RmsPropOptions {
  double alpha = 0.99;
  double momentum = 0;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

///     g = gradient + weight_decay * w
///     s = alpha * s + (1 - alpha) g^2
///     v = momentum * v + g / (sqrt(s) + epsilon)
///     w -= learning_rate * v
///
/// State: square_avg (s), and momentum (v) if momentum > 0. The same rule as torch.optim.RMSprop.
/// Errors: throws if alpha or momentum is outside [0, 1), epsilon <= 0 or weight_decay < 0.
/// Source: Tieleman, Hinton 2012.
std::unique_ptr<Optimizer> rmsprop(const RmsPropOptions& options = {});

struct AdagradOptions {
  double epsilon = 1e-10;
  double weight_decay = 0;
};

/// g = gradient + weight_decay * w; s += g^2; w -= learning_rate * g / (sqrt(s) + epsilon).
/// State: sum (s). The same rule as torch.optim.Adagrad.
/// Errors: throws if epsilon <= 0 or weight_decay < 0.
/// Source: Duchi, Hazan, Singer 2011.
std::unique_ptr<Optimizer> adagrad(const AdagradOptions& options = {});

struct LarsOptions {
  double trust = 0.001;
  double momentum = 0.9;
  double weight_decay = 0;
};

/// Momentum whose updates are in proportion to the weights, for large batches: u = gradient +
/// weight_decay * w; v = momentum * v + learning_rate * ratio * u; w -= v, where ratio = trust *
/// |w| / |u| for each weight tensor.
/// State: momentum (v).
/// Errors: throws if trust <= 0, momentum is outside [0, 1) or weight_decay < 0.
/// Source: You, Gitman, Ginsburg 2017, arXiv 1708.03888, with |u| in the place of |gradient| +
/// weight_decay * |w|.
std::unique_ptr<Optimizer> lars(const LarsOptions& options = {});

struct LambOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-6;
  double weight_decay = 0.01;
};

/// Adam whose updates are as long as the weights, for large batches: u = m / (1 - beta1^t) /
/// (sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay * w with m and v as in adamw; w -=
/// learning_rate * ratio * u, where ratio = |w| / |u| for each weight tensor.
/// State: exp_avg (m), exp_avg_sq (v).
/// Errors: as adamw.
/// Source: You et al. 2020, arXiv 1904.00962.
std::unique_ptr<Optimizer> lamb(const LambOptions& options = {});

}  // namespace lockstep
