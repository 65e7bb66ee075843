#include "lockstep/nn/loss.hpp"

#include <cassert>

#include "lockstep/base/parallel.hpp"

namespace lockstep {

Targets Targets::rows(Index first, Index count) const {
  Targets part;
  part.inverse_variances = inverse_variances;
  if (!labels.empty()) {
    part.labels = labels.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  }
  if (values.data != nullptr) {
    part.values = {values.data + first * values.columns, count, values.columns};
  }
  return part;
}

void evaluate_loss(const Loss& loss, const Pass& pass, ConstTensor prediction,
                   const Targets& targets, double weight, Tensor gradient,
                   std::span<MetricSums> sums) {
  assert(sums.size() == pass.microbatches.size());
  const Index positions = prediction.shape.positions();
  const Index columns = prediction.shape.channels;
  Targets answers = targets;
  if (targets.values.data != nullptr) {  // one row for each position
    assert(targets.values.columns * targets.values.rows % columns == 0);
    answers.values.rows = targets.values.rows * targets.values.columns / columns;
    answers.values.columns = columns;
  }
  const auto per_sample = static_cast<double>(positions);
  const auto row_weight = static_cast<Real>(weight / per_sample);
  const auto evaluate = [&](Index first, Index rows, Real weight_of_row, MetricSums& total) {
    Real* const slope = gradient.data == nullptr ? nullptr : gradient.data + first * columns;
    loss.evaluate({prediction.data + first * columns, rows, columns}, answers.rows(first, rows),
                  weight_of_row, {slope, rows, columns}, total);
  };
  parallel_for(static_cast<Index>(sums.size()), [&](Index i) {
    const Microbatch& m = pass.microbatches[static_cast<std::size_t>(i)];
    MetricSums& total = sums[static_cast<std::size_t>(i)];
    total = {};
    if (targets.weights.empty()) {
      evaluate(m.first_row * positions, m.rows * positions, row_weight, total);
    } else {
      for (Index sample = m.first_row; sample < m.first_row + m.rows; ++sample) {
        const Real own = targets.weights[static_cast<std::size_t>(sample)];
        MetricSums part{};
        evaluate(sample * positions, positions, row_weight * own, part);
        part.loss() *= static_cast<double>(own);
        total += part;
      }
    }
    for (double& sum : total) sum /= per_sample;
  });
}

}  // namespace lockstep
