#include "lockstep/train/samples.hpp"

#include <algorithm>

namespace lockstep {

RowReader::RowReader(Index rows, Index target_columns)
    : target_columns_(target_columns), labels_(rows), values_(rows * target_columns) {}

void RowReader::read_row(const Samples& samples, std::uint64_t epoch, Index row, Index sample,
                         Tensor input) {
  const Dataset& data = *samples.data;
  const Index id = samples.subset[sample];
  const Index size = input.shape.size();
  const std::span<Real> values{input.data + row * size, static_cast<std::size_t>(size)};
  data.read_input(id, *samples.inputs, values);
  if (samples.augmenter != nullptr) samples.augmenter->apply(epoch, id, values);
  if (data.describe().target_kind == TargetKind::labels) {
    labels_.data()[row] = data.label(id);
  } else {
    samples.targets->apply(data.target(id), values_.span(row * target_columns_, target_columns_));
  }
}

Targets RowReader::targets(const Samples& samples, Index rows) const {
  if (samples.data->describe().target_kind == TargetKind::labels) {
    return {.labels = labels_.span(0, rows), .values = {}};
  }
  return {.labels = {}, .values = {values_.data(), rows, target_columns_}};
}

}  // namespace lockstep
