#include "lockstep/train/samples.hpp"

#include <algorithm>

#include "lockstep/data/text.hpp"

namespace lockstep {

Index Samples::ignored(const Sampler& sampler, const BatchRange& batch) const {
  if (!data->describe().ignores) return 0;
  Index sum = 0;
  for (Index i = batch.first; i < batch.first + batch.size; ++i) {
    sum += data->ignored(subset[sampler.sample(batch.epoch, i)]);
  }
  return sum;
}

Index Samples::ignored() const {
  if (!data->describe().ignores) return 0;
  Index sum = 0;
  for (Index i = 0; i < size(); ++i) sum += data->ignored(subset[i]);
  return sum;
}

double Samples::counted(Index size, Index ignored) const {
  if (ignored == 0) return static_cast<double>(size);
  const Index labels = data->describe().target_columns;
  return static_cast<double>(size * labels - ignored) / static_cast<double>(labels);
}

RowReader::RowReader(Index rows, const Shape& output)
    : output_(output),
      labels_(rows * output.positions()),
      values_(rows * output.size()),
      weights_(rows) {}

RowReader::Epoch RowReader::epoch_of(const Samples& samples, std::uint64_t number) {
  if (!samples.window_seed) return {number, 0};
  return {number, window_offset(samples.data->describe(), *samples.window_seed, number)};
}

void RowReader::read_row(const Samples& samples, const Epoch& epoch, Index row, Index sample,
                         Tensor input) {
  const Dataset& data = *samples.data;
  const Index id = samples.subset[sample];
  const Index size = input.shape.size();
  const std::span<Real> values{input.data + row * size, static_cast<std::size_t>(size)};
  if (data.describe().is_text()) {
    const Index positions = output_.positions();
    data.read_window(id, epoch.window_offset, values, labels_.span(row * positions, positions));
    return;
  }
  data.read_input(id, *samples.inputs, values);
  if (samples.augmenter != nullptr) samples.augmenter->apply(epoch.number, id, values);
  if (!samples.answered) return;
  if (data.describe().target_kind == TargetKind::labels) {
    const Index positions = output_.positions();
    std::ranges::copy(data.labels(id), labels_.span(row * positions, positions).begin());
  } else {
    samples.targets->apply(data.target(id), values_.span(row * output_.size(), output_.size()));
  }
  if (data.describe().weighted) {
    weights_.data()[row] = data.weights()[static_cast<std::size_t>(id)];
  }
}

Targets RowReader::targets(const Samples& samples, Index rows) const {
  const Index answers = rows * output_.positions();
  Targets targets;
  if (!samples.answered) return targets;
  if (samples.data->describe().target_kind == TargetKind::labels) {
    targets.labels = labels_.span(0, answers);
  } else {
    targets.values = {values_.data(), answers, output_.channels};
    targets.inverse_variances = samples.inverse_variances;
  }
  if (samples.data->describe().weighted) targets.weights = weights_.span(0, rows);
  return targets;
}

}  // namespace lockstep
