#include <gmock/gmock.h>

#include <algorithm>

#include "io/gzip_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Dataset load_text(std::string_view text, Source source = {}, std::string_view name = "data.csv") {
  const TemporaryDirectory directory;
  source.path = directory.write(name, text);
  return load(source);
}

std::vector<float> inputs_of(const Dataset& dataset) {
  const auto inputs = dataset.float_inputs();
  return {inputs.begin(), inputs.end()};
}

Source values_source() {
  Source source;
  source.classification = false;
  return source;
}

TEST(Csv, ReadsRowsWithTheTargetLast) {
  const Dataset dataset = load_text("1,2.5,0\n-3,+4e1,7\n");
  EXPECT_EQ(dataset.shape(), (Shape{1, 1, 2}));
  EXPECT_EQ(inputs_of(dataset), (std::vector<float>{1, 2.5f, -3, 40}));
  EXPECT_EQ(dataset.label(1), 7);
  EXPECT_TRUE(dataset.column_names().empty());
}

TEST(Csv, FindsDelimiterAndLineEnds) {
  const std::vector<float> expected = {1, 2, 3, 4};
  EXPECT_EQ(inputs_of(load_text("1;2;0\r\n3;4;1\r\n\r\n\n")), expected);
  EXPECT_EQ(inputs_of(load_text("1\t2\t0\n3\t4\t1", {}, "data.tsv")), expected);
  EXPECT_EQ(inputs_of(load_text("  1   2 0\n3 \t4 1  \n", {}, "data.txt")), expected);
  EXPECT_EQ(inputs_of(load_text("\xEF\xBB\xBF"
                                "1,2,0\n3,4,1")),
            expected);
  EXPECT_EQ(inputs_of(load_text(gzipped("1,2,0\n3,4,1\n"), {}, "data.csv.gz")), expected);
  Source source;
  source.delimiter = '|';
  EXPECT_EQ(inputs_of(load_text("1|2|0\n3|4|1", source)), expected);
}

TEST(Csv, ReadsQuotedFieldsAndNames) {
  const Dataset dataset = load_text("\"a, b\", \"say \"\"x\"\"\" ,label\n\"1\", \"2\" ,\"0\"\n");
  EXPECT_EQ(dataset.column_names(), (std::vector<std::string>{"a, b", "say \"x\""}));
  EXPECT_EQ(inputs_of(dataset), (std::vector<float>{1, 2}));
}

TEST(Csv, TakesTheTargetByNameOrNumber) {
  Source source = values_source();
  source.target = "b";
  Dataset dataset = load_text("a,b,c\n1,2,3\n", source);
  EXPECT_EQ(dataset.target(0)[0], 2.0f);
  EXPECT_EQ(inputs_of(dataset), (std::vector<float>{1, 3}));
  EXPECT_EQ(dataset.column_names(), (std::vector<std::string>{"a", "c"}));
  source.target = Index{0};
  EXPECT_EQ(load_text("1,2,3\n", source).target(0)[0], 1.0f);
  source.target = Index{-2};
  EXPECT_EQ(load_text("1,2,3\n", source).target(0)[0], 2.0f);
}

TEST(Csv, WeightsAreAColumnOfTheirOwn) {
  Source source;
  source.target = "b";
  source.weights = "w";
  const Dataset named = load_text("w,a,b\n0.5,2,1\n0,4,0\n", source);
  EXPECT_EQ(named.shape().channels, 1);
  EXPECT_EQ(named.column_names(), (std::vector<std::string>{"a"}));
  EXPECT_EQ(inputs_of(named), (std::vector<float>{2, 4}));
  EXPECT_EQ(std::vector<float>(named.weights().begin(), named.weights().end()),
            (std::vector<float>{0.5f, 0}));
  source.target = Index{-1};
  source.weights = Index{0};
  EXPECT_EQ(load_text("0.5,2,1\n0,4,0\n", source).digest(), named.digest());
  EXPECT_NE(load_text("0.5,2,1\n0.1,4,0\n", source).digest(), named.digest());
  source.weights = Index{2};
  EXPECT_THROW((void)load_text("0.5,2,1\n", source), Error);

  // Files to predict: as they were for training, or without weights, or only the inputs.
  source.weights = Index{0};
  source.inputs_only = true;
  source.input_columns = 1;
  EXPECT_EQ(inputs_of(load_text("0.5,2,1\n", source)), (std::vector<float>{2}));
  EXPECT_EQ(inputs_of(load_text("2,1\n", source)), (std::vector<float>{2}));
  EXPECT_EQ(inputs_of(load_text("2\n", source)), (std::vector<float>{2}));
}

TEST(Csv, ObeysTheHeaderSetting) {
  Source source;
  source.header = true;
  const Dataset dataset = load_text("0,1,2\n5,6,7\n", source);
  EXPECT_EQ(dataset.size(), 1);
  EXPECT_EQ(dataset.column_names(), (std::vector<std::string>{"0", "1"}));
}

TEST(Csv, ALineThatCountsFromOneMayBeAHeader) {
  const Dataset headed = load_text("1,2,3\n0.5,20,0\n0.25,10,1\n");
  EXPECT_EQ(headed.size(), 2);
  EXPECT_THAT(headed.notes(), ElementsAre(HasSubstr("the first line, 1,2,3, is taken for names")));
  const Dataset sample = load_text("1,2,3\n4,20,0\n7,10,1\n");
  EXPECT_EQ(sample.size(), 3);
  EXPECT_THAT(sample.notes(),
              ElementsAre(HasSubstr("the first line, 1,2,3, is taken for a sample")));
  EXPECT_TRUE(load_text("1,2\n3,0\n").notes().empty());
}

TEST(Csv, WordsAsValuesAreRefusedWithTheLossThatTakesThem) {
  expect_error(ExitCode::bad_data, "this loss takes numbers as targets; for classes use",
               [] { (void)load_text("a,y\n1,no\n2,yes\n", values_source()); });
  expect_error(ExitCode::bad_data, "only labels, the column data.target, can be words",
               [] { (void)load_text("a,b,y\n1,2,0\n1,no,1\n"); });
}

TEST(Csv, NoFileOfLabelsIsRead) {
  Source source;
  source.labels_path = "nowhere.npy";
  expect_error(ExitCode::config, "its format, csv, holds the labels itself",
               [&] { (void)load_text("1,2\n", source); });
}

}  // namespace
}  // namespace lockstep
