#include "infer/prediction_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace lockstep {
namespace {

// Samples without inputs, with answers: labels, or values if there are any.
Dataset answers(Index size, Index columns, const std::vector<std::int32_t>& labels,
                const std::vector<float>& values = {}) {
  Dataset data("data", {.shape = {1, 1, 1},
                        .size = size,
                        .target_kind = values.empty() ? TargetKind::labels : TargetKind::values,
                        .target_columns = columns});
  if (values.empty()) {
    std::ranges::copy(labels, data.labels().begin());
  } else {
    std::ranges::copy(values, data.values().begin());
  }
  return data;
}

Samples all_of(const Dataset& data) {
  Samples samples;
  samples.data = &data;
  samples.subset = Subset::whole(data.size());
  return samples;
}

const Normalization kNone;
const std::vector<std::string> kNoNames;

TEST(PredictionTable, ClassesHaveTruthAndPredictionApart) {
  const Dataset data = answers(2, 1, {1, 0});
  const Samples samples = all_of(data);
  const Origins origins(samples, "data");
  const std::vector<Real> logits{0, 0, std::log(Real{3}), 0};
  const PredictionTable table({Outputs::class_logits, {1, 1, 2}, kNone, kNoNames}, &origins);
  EXPECT_EQ(table.header(), "sample,truth,prediction,p0,p1\n");
  EXPECT_EQ(table.rows(std::span(logits).first(2), 0), "0,1,0,0.5,0.5\n");
  EXPECT_EQ(table.rows(std::span(logits).last(2), 1), "1,0,0,0.75,0.25\n");
}

TEST(PredictionTable, NamesAreQuotedAndFilesRelativeToTheirFolder) {
  Dataset data = answers(2, 1, {1, 0});
  data.set_files({{"set/b, c/1.png", 0}, {"set/a/2.png", 1}});
  const Samples samples = all_of(data);
  const Origins origins(samples, "set/");
  const std::vector<std::string> names{"a", "b, c"};
  const PredictionTable table({Outputs::class_logits, {1, 1, 2}, kNone, names}, &origins);
  EXPECT_EQ(table.header(), "sample,file,truth,prediction,p_a,\"p_b, c\"\n");
  EXPECT_EQ(table.rows(std::vector<Real>{0, 0}, 0), "0,\"b, c/1.png\",\"b, c\",a,0.5,0.5\n");
}

TEST(PredictionTable, RowsOfSeveralTablesAreCountedInEach) {
  Dataset data = answers(5, 1, {0, 0, 0, 0, 0});
  data.set_files({{"a.csv", 0}, {"b.csv", 3}});
  const Samples samples = all_of(data);
  const Origins origins(samples, "*.csv");
  EXPECT_EQ(origins.columns(), (std::vector<std::string>{"sample", "file", "row"}));
  EXPECT_EQ(origins.fields(2), (std::vector<std::string>{"2", "a.csv", "2"}));
  EXPECT_EQ(origins.fields(4), (std::vector<std::string>{"4", "b.csv", "1"}));
}

TEST(PredictionTable, AClassForEachPosition) {
  const Dataset data = answers(1, 2, {1, 0});
  const Samples samples = all_of(data);
  const Origins origins(samples, "");
  const PredictionTable table({Outputs::class_logits, {2, 1, 2}, kNone, kNoNames}, &origins);
  EXPECT_EQ(table.header(), "sample,position,truth,prediction,p0,p1\n");
  EXPECT_EQ(table.rows(std::vector<Real>{0, 0, 0, 0}, 0), "0,0,1,0,0.5,0.5\n0,1,0,0,0.5,0.5\n");
}

// What nobody knows is neither told nor a mistake.
TEST(PredictionTable, IgnoredLabelsAreNoTruth) {
  const Dataset data = answers(2, 2, {1, kIgnoredLabel, kIgnoredLabel, 1});
  const Samples samples = all_of(data);
  const Origins origins(samples, "");
  const PredictionTable table({Outputs::class_logits, {2, 1, 2}, kNone, kNoNames}, &origins);
  EXPECT_EQ(table.rows(std::vector<Real>{0, 0, 0, 0}, 0), "0,0,1,0,0.5,0.5\n0,1,,0,0.5,0.5\n");
  EXPECT_EQ(table.mistakes_first(std::vector<Real>{0, 1, 9, 0, 9, 0, 1, 0}),
            (std::vector<Index>{1, 0}));
}

TEST(PredictionTable, ValuesAreInTheUnitsOfTheData) {
  const Dataset data = answers(1, 2, {}, {10, 0.25F});
  const Samples samples = all_of(data);
  const Origins origins(samples, "");
  const Normalization by{{10, 0}, {0.5F, 1}};
  const PredictionTable table({Outputs::values, {1, 1, 2}, by, kNoNames}, &origins);
  EXPECT_EQ(table.header(), "sample,truth0,truth1,prediction0,prediction1\n");
  EXPECT_EQ(table.rows(std::vector<Real>{1, 3}, 0), "0,10,0.25,12,3\n");
  const PredictionTable one({Outputs::values, {1, 1, 1}, kNone, kNoNames}, nullptr);
  EXPECT_EQ(one.header(), "prediction\n");
}

TEST(PredictionTable, QuestionsHaveTheAnswerAndItsProbability) {
  const Dataset data = answers(1, 2, {}, {1, 0});
  const Samples samples = all_of(data);
  const Origins origins(samples, "");
  const PredictionTable table({Outputs::logits, {1, 1, 2}, kNone, kNoNames}, &origins);
  EXPECT_EQ(table.header(), "sample,truth0,truth1,prediction0,prediction1,p0,p1\n");
  EXPECT_EQ(table.rows(std::vector<Real>{std::log(Real{3}), 0}, 0), "0,1,0,1,0,0.75,0.5\n");
}

TEST(PredictionTable, UnknownAnswersHaveNoColumn) {
  const Dataset data = answers(1, 1, {0});
  Samples samples = all_of(data);
  samples.answered = false;
  const Origins origins(samples, "");
  const PredictionTable table({Outputs::class_logits, {1, 1, 2}, kNone, kNoNames}, &origins);
  EXPECT_EQ(table.header(), "sample,prediction,p0,p1\n");
  EXPECT_EQ(table.rows(std::vector<Real>{0, 0}, 0), "0,0,0.5,0.5\n");
}

TEST(PredictionTable, OldColumns) {
  const Dataset data = answers(1, 1, {0});
  const Samples samples = all_of(data);
  const Origins origins(samples, "");
  const std::vector<std::string> names{"a", "b"};
  const PredictionTable named({Outputs::class_logits, {1, 1, 2}, kNone, names}, &origins, true);
  EXPECT_EQ(named.header(), "label,name,p0,p1\n");
  EXPECT_EQ(named.rows(std::vector<Real>{0, 0}, 0), "0,a,0.5,0.5\n");
  const PredictionTable positions({Outputs::class_logits, {2, 1, 1}, kNone, kNoNames}, &origins,
                                  true);
  EXPECT_EQ(positions.header(), "sample,position,label,p0\n");
  EXPECT_EQ(positions.rows(std::vector<Real>{0, 0}, 3), "3,0,0,1\n3,1,0,1\n");
  const PredictionTable values({Outputs::values, {1, 1, 2}, kNone, kNoNames}, &origins, true);
  EXPECT_EQ(values.header(), "y0,y1\n");
  EXPECT_EQ(values.rows(std::vector<Real>{1, 2}, 0), "1,2\n");
  const PredictionTable questions({Outputs::logits, {1, 1, 1}, kNone, kNoNames}, &origins, true);
  EXPECT_EQ(questions.header(), "p0\n");
  EXPECT_EQ(questions.rows(std::vector<Real>{0}, 0), "0.5\n");
}

// Right, a little wrong, right, very wrong.
TEST(PredictionTable, MistakesComeFirstTheSurestOnTop) {
  const Dataset data = answers(4, 1, {0, 1, 1, 0});
  const Samples samples = all_of(data);
  const Origins origins(samples, "");
  const PredictionTable table({Outputs::class_logits, {1, 1, 2}, kNone, kNoNames}, &origins);
  EXPECT_EQ(table.mistakes_first(std::vector<Real>{9, 0, 1, 0, 0, 1, 0, 5}),
            (std::vector<Index>{3, 1, 0, 2}));
}

TEST(PredictionTable, QuestionsAndValuesHaveMistakesToo) {
  const Dataset yes = answers(3, 1, {}, {1, 1, 0});
  const Samples asked = all_of(yes);
  const Origins questions(asked, "");
  const PredictionTable logits({Outputs::logits, {1, 1, 1}, kNone, kNoNames}, &questions);
  EXPECT_EQ(logits.mistakes_first(std::vector<Real>{4, -1, 2}), (std::vector<Index>{2, 1, 0}));
  // In units of the deviation, in which the second value varies less.
  const Dataset two = answers(3, 2, {}, {0, 0, 0, 0, 0, 0});
  const Samples samples = all_of(two);
  const Origins origins(samples, "");
  const Normalization by{{0, 0}, {1, 100}};
  const PredictionTable values({Outputs::values, {1, 1, 2}, by, kNoNames}, &origins);
  EXPECT_EQ(values.mistakes_first(std::vector<Real>{0, 0, 1, 0, 0, 2}),
            (std::vector<Index>{2, 1, 0}));
}

}  // namespace
}  // namespace lockstep
