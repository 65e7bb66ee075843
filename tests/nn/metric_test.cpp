#include "lockstep/nn/metric.hpp"

#include <gtest/gtest.h>

#include <set>

namespace lockstep {
namespace {

TEST(MetricRow, IsFoundByWhateverAMetricIsCalled) {
  for (const std::string_view name : {"acc", "val/acc", "train_acc"}) {
    EXPECT_EQ(metric_row(name).name, "acc") << name;
  }
  for (const std::string_view name : {"top5", "val/top10", "train_top3"}) {
    EXPECT_EQ(metric_row(name).name, "top") << name;
  }
  EXPECT_EQ(metric_row("val/r2").name, "r2") << "its number is part of its name";
}

TEST(MetricRow, OfAStrangerIsANumberThatIsBetterWhenSmaller) {
  for (const std::string_view name : {"", "2", "val/", "val/topless", "val/accuracy"}) {
    const MetricRow& row = metric_row(name);
    EXPECT_TRUE(row.name.empty()) << name;
    EXPECT_FALSE(row.larger_is_better);
    EXPECT_EQ(row.unit, MetricUnit::number);
    EXPECT_FALSE(row.headline);
  }
}

TEST(MetricRow, NamesDiffer) {
  std::set<std::string_view> names;
  for (const MetricRow& row : kMetricRows) EXPECT_TRUE(names.insert(row.name).second) << row.name;
}

}  // namespace
}  // namespace lockstep
