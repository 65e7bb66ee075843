#include "lockstep/train/model.hpp"

#include <algorithm>
#include <cassert>

#include "lockstep/base/parallel.hpp"

namespace lockstep {

Model::Model(const Network& network, Index samples, std::uint64_t seed)
    : network_(network),
      workspace_(network, {.samples = samples, .microbatches = 1, .threads = thread_count()}),
      parameters_(network.parameters().size()),
      gradients_(network.parameters().size()),
      seed_(seed) {
  network.parameters().initialize(seed, parameters_.span());
}

Pass Model::pass() const {
  return {
      .microbatches = {&batch_, 1},
      .training = training_,
      .random = {
          .seed = seed_, .purpose = RandomPurpose::layer, .a = static_cast<std::uint32_t>(step_)}};
}

std::span<const Real> Model::forward(std::span<const Real> inputs, bool training) {
  training_ = training;
  const Index size = network_.input_shape().size();
  batch_ = {.index = 0, .first_row = 0, .rows = static_cast<Index>(inputs.size()) / size};
  assert(batch_.rows * size == static_cast<Index>(inputs.size()));
  assert(batch_.rows <= workspace_.capacity().samples);
  std::ranges::copy(inputs, workspace_.input().data);
  network_.forward(parameters_.span(), pass(), workspace_);
  return workspace_.output().values(batch_.rows);
}

double Model::loss(const Loss& loss, std::span<const Real> answers) {
  assert(batch_.rows > 0);
  const Index columns = static_cast<Index>(answers.size()) / batch_.rows;
  return evaluate(loss, {.labels = {}, .values = {answers.data(), batch_.rows, columns}});
}

double Model::loss(const Loss& loss, std::span<const std::int32_t> labels) {
  return evaluate(loss, {.labels = labels, .values = {}});
}

double Model::evaluate(const Loss& loss, const Targets& targets) {
  MetricSums sums{};
  evaluate_loss(loss, pass(), workspace_.output(), targets, 1 / static_cast<double>(batch_.rows),
                workspace_.output_gradient(), {&sums, 1});
  return sums.loss() / static_cast<double>(batch_.rows);
}

void Model::backward() {
  const GradientBlock block{{0, 1}, gradients_.span()};
  network_.backward(parameters_.span(), pass(), workspace_, {&block, 1}, [](Index) {});
}

void Model::step(const Optimizer& optimizer, double learning_rate) {
  assert(optimizer_ == nullptr || optimizer_ == &optimizer);
  if (!updater_) {
    optimizer_ = &optimizer;
    const BucketLayout whole(parameters_.size(), parameters_.size(), 1);
    updater_.emplace(network_.parameters(), optimizer, whole, 0);
    lengths_.resize(static_cast<std::size_t>(updater_->counts().front()));
  }
  const Real* const gradient = gradients_.data();
  const Update update{.step = ++step_, .learning_rate = learning_rate};
  updater_->prepare(parameters_.span(), {&gradient, 1}, update, lengths_);
  updater_->update(parameters_.span(), {&gradient, 1}, update, batch_.rows, lengths_);
}

}  // namespace lockstep
