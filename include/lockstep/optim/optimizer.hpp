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
  /// Updates `parameters` and state[slot], one span per slot. Allocates nothing.
  virtual void step(std::span<Real> parameters, std::span<const Real> gradient,
                    std::span<const std::span<Real>> state, const Update& update) const = 0;
};

struct SgdOptions {
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
};

/// Gradient descent: g = gradient + weight_decay * w; v = momentum * v + g (v = g in the first
/// step); w -= learning_rate * v, or learning_rate * (g + momentum * v) with nesterov. State:
/// momentum, if momentum > 0. The same rule as torch.optim.SGD. Errors: throws if momentum is
/// outside [0, 1), weight_decay < 0, or nesterov without momentum.
std::unique_ptr<Optimizer> sgd(const SgdOptions& options = {});

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};

/// Adam with decoupled weight decay: w *= 1 - learning_rate * weight_decay; m = beta1 m + (1 -
/// beta1) g; v = beta2 v + (1 - beta2) g^2; w -= learning_rate * m / (1 - beta1^t) / (sqrt(v / (1 -
/// beta2^t)) + epsilon). State: exp_avg (m), exp_avg_sq (v). The same rule as torch.optim.AdamW.
/// Errors: throws if a beta is outside [0, 1), epsilon <= 0 or weight_decay < 0.
/// Source: Loshchilov, Hutter 2019, arXiv 1711.05101.
std::unique_ptr<Optimizer> adamw(const AdamWOptions& options = {});

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

/// Adam: as adamw, but weight decay is part of the gradient: g = gradient + weight_decay * w.
/// The same rule as torch.optim.Adam. Source: Kingma, Ba 2015, arXiv 1412.6980.
std::unique_ptr<Optimizer> adam(const AdamOptions& options = {});

struct RmsPropOptions {
  double alpha = 0.99;
  double momentum = 0;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

/// g = gradient + weight_decay * w; s = alpha * s + (1 - alpha) g^2; v = momentum * v + g /
/// (sqrt(s)
/// + epsilon); w -= learning_rate * v. State: square_avg (s), and momentum (v) if momentum > 0. The
/// same rule as torch.optim.RMSprop. Errors: throws if alpha or momentum is outside [0, 1), epsilon
/// <= 0 or weight_decay < 0.
/// Source: Tieleman, Hinton 2012.
std::unique_ptr<Optimizer> rmsprop(const RmsPropOptions& options = {});

struct AdagradOptions {
  double epsilon = 1e-10;
  double weight_decay = 0;
};

/// g = gradient + weight_decay * w; s += g^2; w -= learning_rate * g / (sqrt(s) + epsilon). State:
/// sum (s). The same rule as torch.optim.Adagrad. Errors: throws if epsilon <= 0 or weight_decay <
/// 0.
/// Source: Duchi, Hazan, Singer 2011.
std::unique_ptr<Optimizer> adagrad(const AdagradOptions& options = {});

}  // namespace lockstep
