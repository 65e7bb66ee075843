#include "lockstep/train/inverse_variances.hpp"

#include <limits>

namespace lockstep {
namespace {

// Calls visit(value, column) for each answer.
template <typename Visit>
void for_each_answer(const Samples& samples, Index columns, const Visit& visit) {
  std::vector<Real> row(static_cast<std::size_t>(samples.data->describe().target_columns));
  for (Index i = 0; i < samples.size(); ++i) {
    samples.targets->apply(samples.data->target(samples.subset[i]), row);
    for (std::size_t j = 0; j < row.size(); ++j) {
      visit(double{row[j]}, j % static_cast<std::size_t>(columns));
    }
  }
}

}  // namespace

std::vector<double> inverse_variances(const Samples& samples, Index columns) {
  const double rows = static_cast<double>(samples.size()) *
                      static_cast<double>(samples.data->describe().target_columns / columns);
  const auto width = static_cast<std::size_t>(columns);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<double> mean(width), squares(width), least(width, kInfinity), most(width, -kInfinity);
  for_each_answer(samples, columns, [&](double x, std::size_t c) {
    mean[c] += x / rows;
    least[c] = std::min(least[c], x);
    most[c] = std::max(most[c], x);
  });
  for_each_answer(samples, columns,
                  [&](double x, std::size_t c) { squares[c] += (x - mean[c]) * (x - mean[c]); });
  std::vector<double> inverse(width);
  for (std::size_t c = 0; c < width; ++c) {
    inverse[c] = least[c] == most[c] ? kInfinity : rows / squares[c];
  }
  return inverse;
}

void measure_answers(Samples& samples, const Loss& loss, Shape output) {
  if (loss.outputs() != Outputs::values || output.channels == 1 || samples.size() == 0) return;
  samples.inverse_variances = inverse_variances(samples, output.channels);
}

}  // namespace lockstep
