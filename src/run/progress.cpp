#include "lockstep/run/progress.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lockstep {
namespace {

void append(std::vector<HistoryColumn>& history, const std::string& name, double value) {
  const auto column = std::ranges::find(history, name, &HistoryColumn::name);
  if (column != history.end()) {
    column->values.push_back(value);
    return;
  }
  // A column that appears late has no values for the rows before.
  const std::size_t rows = history.empty() ? 0 : history.front().values.size() - 1;
  std::vector<double> values(name == "step" ? 0 : rows, std::numeric_limits<double>::quiet_NaN());
  values.push_back(value);
  history.push_back({name, std::move(values)});
}

// By more than `least`. A value that is not finite is no improvement.
bool improves(const std::optional<BestMetric>& best, const std::string& metric, double value,
              double least) {
  if (!std::isfinite(value)) return false;
  if (!best || best->metric != metric) return true;
  return (metric_row(metric).larger_is_better ? value - best->value : best->value - value) > least;
}

}  // namespace

void Stagnation::observe(const std::string& metric, double value, std::uint64_t step,
                         double min_delta) {
  if (best && best->metric != metric) *this = {};
  if (improves(best, metric, value, min_delta)) {
    *this = {BestMetric{metric, value, step}, 0};
  } else {
    ++evaluations;
  }
}

bool Progress::knows_error() const { return error_weight >= 0.25; }

void Progress::add_batch(std::uint64_t step, const MetricSums& sums, double counted,
                         Index epoch_size, std::optional<double> right) {
  epoch_sums += sums;
  if (!right || counted == 0) return;

  const double n = counted;
  const double window = std::min(kErrorWindow, static_cast<double>(epoch_size));
  const double share = std::min(1.0, n / window);
  error_average += share * ((n - *right) / n - error_average);
  error_weight += share * (1.0 - error_weight);
  if (!knows_error()) return;
  const double error = error_average / error_weight;
  for (std::size_t i = 0; i < kMilestones.size(); ++i) {
    if (milestone_steps[i] == 0 && error < kMilestones[i]) milestone_steps[i] = step;
  }
}

void Progress::add_loss(double loss) {
  usual_loss += (loss - usual_loss) / kUsualSteps;
  usual_loss_weight += (1 - usual_loss_weight) / kUsualSteps;
}

double Progress::spike_limit(double times) const {
  constexpr double kKnown = 0.25;  // about 15 steps
  if (times == 0 || usual_loss_weight < kKnown) return std::numeric_limits<double>::infinity();
  return times * usual_loss / usual_loss_weight;
}

void Progress::end_epoch() {
  epoch_sums = {};
  epoch_samples = 0;
  epoch_ignored = 0;
}

void Progress::add_history(std::uint64_t step, double epoch, const std::vector<Metric>& train,
                           const std::vector<Metric>& val) {
  append(history, "step", static_cast<double>(step));
  append(history, "epoch", epoch);
  for (const Metric& m : train) append(history, "train_" + m.name, m.value);
  for (const Metric& m : val) append(history, "val_" + m.name, m.value);
  const std::size_t rows = history.front().values.size();
  for (HistoryColumn& column : history) {
    column.values.resize(rows, std::numeric_limits<double>::quiet_NaN());
  }
}

bool Progress::offer_best(const std::string& metric, double value, std::uint64_t step) {
  const bool better = improves(best, metric, value, 0);
  if (better) best = BestMetric{metric, value, step};
  return better;
}

}  // namespace lockstep
