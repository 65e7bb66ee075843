#pragma once

#include <memory>

#include "lockstep/config/config.hpp"
#include "lockstep/config/schema.hpp"
#include "lockstep/data/augmentation.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/optim/schedule.hpp"

namespace lockstep {

/// Every layer, loss, optimizer, schedule and augmentation that a configuration can name, with its
/// keys.
[[nodiscard]] const config::Catalogue& catalogue();

/// The network of a configuration for inputs of a shape; `vocabulary` is the number of symbols that
/// "vocab" stands for, 0 if the data is no text.
/// Errors: Error(config) that points at the layer whose input does not fit.
[[nodiscard]] Network build_network(const config::Config& config, Shape input,
                                    Index vocabulary = 0);

[[nodiscard]] std::unique_ptr<Loss> build_loss(const config::Config& config);

[[nodiscard]] std::unique_ptr<Optimizer> build_optimizer(const config::Config& config);

/// What a configuration does to training samples of a shape, normalized so.
/// Errors: Error(config) that points at the augmentation that does not fit.
[[nodiscard]] Augmenter build_augmenter(const config::Config& config, const Shape& shape,
                                        const Normalization& normalization);

/// What optimizer.scale_lr multiplies optimizer.lr by: 1, data.batch / optimizer.base_batch or its
/// root.
/// Errors: Error(config) if that needs a base_batch and there is none, or the other way round.
[[nodiscard]] double learning_rate_scale(const config::Config& config);

/// The learning rate of a configuration as a function of the step and of the drops that its plateau
/// demanded.
class LearningRate {
 public:
  LearningRate(const config::Config& config, Index steps_per_epoch, std::uint64_t total_steps);
  /// For the update number `step`, from 0.
  [[nodiscard]] double at(std::uint64_t step, Index drops = 0) const;
  /// Steps over which it rises.
  [[nodiscard]] std::uint64_t warmup() const { return warmup_; }
  /// Null unless validations decide.
  [[nodiscard]] const Plateau* plateau() const { return schedule_->plateau(); }

 private:
  double base_;
  std::uint64_t warmup_;
  std::unique_ptr<Schedule> schedule_;
};

/// An interval in steps, at least 1; seconds are no number of steps: Error(internal).
[[nodiscard]] std::uint64_t steps_of(const config::Interval& interval, Index steps_per_epoch);

}  // namespace lockstep
