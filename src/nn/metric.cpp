#include "lockstep/nn/metric.hpp"

#include <algorithm>

namespace lockstep {

const MetricRow& metric_row(std::string_view name) {
  static constexpr MetricRow kUnknown{};
  name = name.substr(name.find_last_of("/_") + 1);
  const auto named = [](std::string_view wanted) {
    return std::ranges::find(kMetricRows, wanted, &MetricRow::name);
  };
  auto row = named(name);
  if (row == kMetricRows.end())
    row = named(name.substr(0, name.find_last_not_of("0123456789") + 1));
  return row == kMetricRows.end() ? kUnknown : *row;
}

}  // namespace lockstep
