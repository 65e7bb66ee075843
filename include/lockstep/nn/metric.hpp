#pragma once

#include <array>
#include <string>
#include <string_view>

namespace lockstep {

/// One value for people: "loss", "acc", "top5", "perplexity", "rmse", "mae", "r2".
struct Metric {
  std::string name;
  double value;
};

enum class MetricUnit {
  number,
  fraction  ///< of 1, shown in percent
};

/// What is known of a metric beside its formula, which its loss has.
struct MetricRow {
  std::string_view name;  ///< a number may follow it, as in top5
  bool larger_is_better = false;
  MetricUnit unit = MetricUnit::number;
  bool headline = false;  ///< shown after each epoch
};

/// All metrics that the losses of this library have.
inline constexpr std::array<MetricRow, 7> kMetricRows{{
    // The mean over the samples of what learning lowers.
    {.name = "loss"},
    // Fraction of right answers: the largest output is the label's, the first of equals counts; of
    // logits, those of the outputs with sigmoid(z) > 1/2 where t > 1/2.
    {"acc", true, MetricUnit::fraction, true},
    // Fraction of the labels that are among the K largest outputs.
    {"top", true, MetricUnit::fraction, true},
    // Of sequences: exp of the mean of -log p_label.
    {.name = "perplexity", .headline = true},
    // Root of the mean squared error.
    {.name = "rmse"},
    // Mean absolute error.
    {.name = "mae"},
    // 1 - sum of squared errors / sum of squared deviations from the mean; of several columns the
    // mean of their r2, each around its own mean, which takes Targets::inverse_variances. NaN if
    // all answers of a column are equal.
    {.name = "r2", .larger_is_better = true, .headline = true},
}};

/// The row of a metric, also by the name of a column or a best value, as "train_acc", "val/top5".
/// What has no row is a number, better when smaller, and no headline.
[[nodiscard]] const MetricRow& metric_row(std::string_view name);

}  // namespace lockstep
