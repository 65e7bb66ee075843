#include "cli/text.hpp"

#include <gtest/gtest.h>

namespace lockstep::cli {
namespace {

TEST(TextTest, Thousands) {
  EXPECT_EQ(thousands(Index{0}), "0");
  EXPECT_EQ(thousands(Index{999}), "999");
  EXPECT_EQ(thousands(Index{1'000}), "1,000");
  EXPECT_EQ(thousands(Index{-1'234'567}), "-1,234,567");
  EXPECT_EQ(thousands(std::uint64_t{18'446'744'073'709'551'615U}), "18,446,744,073,709,551,615");
}

TEST(TextTest, SignificantDigits) {
  EXPECT_EQ(significant(0.2931473), "0.2931");
  EXPECT_EQ(significant(98.87), "98.87");
  EXPECT_EQ(significant(0), "0.000");
  EXPECT_EQ(significant(3e-5), "3.000e-05");
  EXPECT_EQ(significant(12'345.6), "12,346");
}

TEST(TextTest, Rates) {
  EXPECT_EQ(rate(950), "950");
  EXPECT_EQ(rate(18'028), "18.0k");
  EXPECT_EQ(rate(999'960), "1.0M");
}

TEST(TextTest, Sizes) {
  EXPECT_EQ(byte_size(1023), "1023 B");
  EXPECT_EQ(byte_size(1024), "1.0 KiB");
  EXPECT_EQ(byte_size((Index{1} << 20) - 1), "1.0 MiB");
  EXPECT_EQ(byte_size(Index{3} << 40), "3.0 TiB");
}

TEST(TextTest, Durations) {
  EXPECT_EQ(duration(3.31), "0:03.3");
  EXPECT_EQ(duration(59.96), "1:00.0");
  EXPECT_EQ(duration(727), "12:07");
  EXPECT_EQ(duration(3'723), "1:02:03");
  EXPECT_EQ(duration(-1), "0:00.0");
  EXPECT_EQ(whole_duration(15.4), "0:15");
}

TEST(TextTest, Shapes) {
  EXPECT_EQ(shape_text(Shape{28, 28, 1}), "28x28x1");
  EXPECT_EQ(shape_text(Shape{1, 1, 10}), "10");
  EXPECT_EQ(shape_text(std::vector<Index>{10, 1568}), "10x1568");
  EXPECT_EQ(shape_text(std::vector<Index>{}), "scalar");
}

TEST(TextTest, Metrics) {
  EXPECT_EQ(metric_text("acc", 0.9731), "acc 97.31 %");
  EXPECT_EQ(metric_text("val/acc", 0.5), "val/acc 50.00 %");
  EXPECT_EQ(metric_text("loss", 0.5), "loss 0.5000");
}

TEST(TextTest, TablesAlignTheirColumns) {
  EXPECT_EQ(table({{"name", "n"}, {"a", "10"}}, {true, false}), "  name   n\n  a     10\n");
  EXPECT_EQ(table({{"a\nb", "\x1b"}}, {true, false}), "  a\\nb  \\x1b\n") << "one line";
}

TEST(TextTest, ShellArguments) {
  EXPECT_EQ(shell_quoted("run.seed=7"), "run.seed=7");
  EXPECT_EQ(shell_quoted("a b"), "'a b'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("ü's"), "'ü'\\''s'");
  EXPECT_EQ(shell_quoted("it's\na\x1b\\"), "$'it\\x27s\\x0aa\\x1b\\x5c'");
}

}  // namespace
}  // namespace lockstep::cli
