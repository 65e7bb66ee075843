// Words as labels of a table.
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

using namespace std::string_literals;

using Names = std::vector<std::string>;
using Labels = std::vector<std::int32_t>;

Dataset load_table(std::string_view text, Source source = {}) {
  const TemporaryDirectory directory;
  source.path = directory.write("data.csv", text);
  return load(source);
}

Labels labels_of(const Dataset& data) { return {data.labels().begin(), data.labels().end()}; }

void expect_refused(const std::string& part, std::string_view text, const Source& source = {}) {
  expect_error(ExitCode::bad_data, part, [&] { (void)load_table(text, source); });
}

TEST(ClassColumn, WordsAreClassesInTheOrderOfTheirNames) {
  for (const std::string head : {"", "sepal,petal,species\n"}) {
    const Dataset data = load_table(
        head + "6.3,6.0,virginica\n5.1,1.4,setosa\n7.0,4.7,\"versicolor\"\n5,1,setosa\n");
    EXPECT_EQ(data.class_names(), (Names{"setosa", "versicolor", "virginica"}));
    EXPECT_EQ(labels_of(data), (Labels{2, 0, 1, 0}));
  }
  EXPECT_EQ(load_table("1,\"say \"\"a, b\"\"\"\n2,B\n").class_names(),
            (Names{"B", "say \"a, b\""}));
  EXPECT_EQ(load_table("1,10-19\n2,0-9\n").class_names(), (Names{"0-9", "10-19"}));
}

TEST(ClassColumn, ANumberToBeIgnoredIsNoClassAndTakesNoneAway) {
  Source source;
  source.ignore_label = 1;
  for (const std::string first : {"", "0,1\n"}) {
    const Dataset data = load_table(first + "1,no\n2,yes\n3,no\n4,1\n", source);
    EXPECT_EQ(data.class_names(), (Names{"no", "yes"}));
    Labels expected{0, 1, 0, -1};
    if (!first.empty()) expected.insert(expected.begin(), -1);
    EXPECT_EQ(labels_of(data), expected);
  }
  source.ignore_label = 255;
  EXPECT_EQ(labels_of(load_table("1,0\n2,255\n3,2\n", source)), (Labels{0, -1, 2}));
}

TEST(ClassColumn, SeveralFilesHaveTheClassesOfAll) {
  const TemporaryDirectory directory;
  Source source;
  directory.write("1.csv", "1,dog\n2,cat\n");
  directory.write("2.csv", "3,ant\n4,dog\n");
  source.path = directory / "?.csv";
  const Dataset data = load(source);
  EXPECT_EQ(data.class_names(), (Names{"ant", "cat", "dog"}));
  EXPECT_EQ(labels_of(data), (Labels{2, 1, 0, 2}));
}

TEST(ClassColumn, NamesThatLookAlikeAreSaidOnce) {
  const Dataset alike = load_table("1,no\n2,No\n3,yes\n4,\"no\xC2\xA0\"\n");
  EXPECT_EQ(alike.class_names().size(), 4u);
  ASSERT_EQ(alike.notes().size(), 1u);
  EXPECT_NE(
      alike.notes()[0].find("\"No\" and \"no\", \"No\" and \"no\xC2\xA0\" are classes of their"),
      std::string::npos)
      << alike.notes()[0];
  Source source;
  source.class_names = alike.class_names();  // training has said it
  EXPECT_TRUE(load_table("1,no\n2,No\n", source).notes().empty());
  EXPECT_TRUE(load_table("1,no\n2,yes\n").notes().empty());
}

TEST(ClassColumn, NumbersStayAsTheyAre) {
  const Dataset data = load_table("1,\"2\"\n2,0\n3,1.0\n");
  EXPECT_TRUE(data.class_names().empty());
  EXPECT_EQ(labels_of(data), (Labels{2, 0, 1}));
}

TEST(ClassColumn, OtherDataHasTheClassesOfTheTrainingData) {
  Source source;
  source.class_names = Names{"cat", "dog", "ant"};  // in the order of the model
  const Dataset data = load_table("1,dog\n2,ant\n", source);
  EXPECT_EQ(labels_of(data), (Labels{1, 2}));
  EXPECT_EQ(data.class_names(), *source.class_names);
  expect_refused(
      "data.csv:2: column 2: expected a class of the training data, cat, dog, ant; found "
      "\"bee\"",
      "1,dog\n2,bee\n", source);
  expect_refused("data.csv:1: column 2: expected a class of the training data", "1,0\n", source);
  source.class_names = Names{};
  expect_refused(
      "data.csv:1: column 2: expected a class label, an integer from 0 to 2147483647, as "
      "in the training data; found \"dog\"",
      "1,dog\n", source);
  source.inputs_only = true;  // then nobody looks at them
  EXPECT_EQ(load_table("1,dog\n", source).size(), 1);
}

TEST(ClassColumn, MistakesAreNoClasses) {
  expect_refused("data.csv:2: column 2: expected a class label, an integer", "1,0\n2,O\n");
  expect_refused("data.csv:2: column 2: expected the name of a class, a word", "1,yes\n2,0\n");
  expect_refused("data.csv:2: column 2: expected the name of a class, found an empty field",
                 "1,yes\n2,\n3,no\n");
  expect_refused("data.csv:2: column 2: expected the name of a class, found \"NA\"",
                 "1,yes\n2,NA\n");
  expect_refused("data.csv:3: column 2: expected the name of a class", "a;y\n1;x\n2;0,5\n");
  constexpr const char* kControl =
      "column 2: expected the name of a class without control characters";
  expect_refused(kControl + "; found \"a\\nb\""s, "1,\"a\nb\"\n2,b\n");
  expect_refused(kControl + "; found \"\\x1b[31mno\""s, "1,\x1b[31mno\n2,b\n");
  expect_refused(kControl + "; found \"no\\x7f\""s, "1,no\x7f\n2,b\n");
  expect_refused(
      "column 1: expected the name of a column without control characters; found \"a\\x7f",
      "a\x7f,y\n1,b\n");
  expect_refused("column 2: expected a number, found \"\\x00\"; only labels", "a,b,y\n1,\0,1\n"s);
  expect_refused("data.csv:2: column 1: expected a number, found \"red\"; only labels",
                 "a,b,y\nred,1,yes\n");
  expect_refused("column 1: expected a number, found \"1,5\"; a number has a point",
                 "a;b;y\n1,5;1;0\n");
  expect_refused("column 1: expected a number, found \"1,234\"; a number has a point",
                 "a,b,y\n\"1,234\",1,0\n");
  Source values;
  values.classification = false;
  expect_refused("column 2: expected a number, found \"high\"", "1,high\n", values);
}

}  // namespace
}  // namespace lockstep
