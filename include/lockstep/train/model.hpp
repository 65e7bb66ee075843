#pragma once

#include <optional>

#include "lockstep/base/buffer.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/workspace.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/train/updater.hpp"

namespace lockstep {

/// A network with its numbers, in one process: the whole learning cycle in four calls, for lessons
/// and small programs.
///
///     forward   predict
///     loss      compare: how wrong was that?
///     backward  send the error back: which layer is to blame, and in which direction?
///     step      adjust: a little less wrong next time
///
/// `Trainer` makes the same calls, on all ranks at once.
class Model {
 public:
  /// For up to `samples` samples at a time. The network must outlive the model.
  explicit Model(const Network& network, Index samples = 1, std::uint64_t seed = 0);

  /// The predictions for inputs given one after the other; their number decides how many samples
  /// there are. Without `training`, layers such as dropout and batch_norm do what they do once all
  /// is learned; `backward` needs a forward made in training.
  std::span<const Real> forward(std::span<const Real> inputs, bool training = true);
  /// The mean loss of the last predictions against the right answers, one row of values
  /// per sample, or per position of each if the network has several.
  double loss(const Loss& loss, std::span<const Real> answers);
  /// The same against class labels.
  double loss(const Loss& loss, std::span<const std::int32_t> labels);
  /// Computes the gradient of that loss for every parameter.
  void backward();
  /// Updates the parameters against their gradient; always with the same optimizer, which must
  /// outlive the model.
  void step(const Optimizer& optimizer, double learning_rate);

  /// Parameters and their gradients; flat buffers with the slices of network.parameters().
  [[nodiscard]] std::span<Real> parameters() { return parameters_.span(); }
  [[nodiscard]] std::span<const Real> gradients() const { return gradients_.span(); }

 private:
  double evaluate(const Loss& loss, const Targets& targets);
  [[nodiscard]] Pass pass() const;

  const Network& network_;
  Workspace workspace_;
  Buffer<Real> parameters_;
  Buffer<Real> gradients_;
  std::uint64_t seed_;
  bool training_ = true;
  const Optimizer* optimizer_ = nullptr;  ///< of `updater_`
  std::optional<Updater> updater_;
  std::vector<double> lengths_;  ///< between both halves of an update
  Microbatch batch_;
  std::uint64_t step_ = 0;
};

}  // namespace lockstep
