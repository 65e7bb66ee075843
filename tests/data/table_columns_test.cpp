// Which columns of a table are what: by name, wherever they are.
#include <algorithm>

#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

using Names = std::vector<std::string>;
using Numbers = std::vector<float>;

Dataset load_table(std::string_view text, Source source = {}) {
  const TemporaryDirectory directory;
  source.path = directory.write("data.csv", text);
  return load(source);
}

/// The files are called a.csv, b.csv, ...
Dataset load_parts(const std::vector<std::string>& parts, Source source = {}) {
  const TemporaryDirectory directory;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    directory.write(std::string(1, static_cast<char>('a' + i)) + ".csv", parts[i]);
  }
  source.path = directory / "?.csv";
  return load(source);
}

Numbers inputs_of(const Dataset& data) {
  return {data.float_inputs().begin(), data.float_inputs().end()};
}

std::vector<std::int32_t> labels_of(const Dataset& data) {
  return {data.labels().begin(), data.labels().end()};
}

std::string notes_of(const Dataset& data) {
  std::string all;
  for (const std::string& note : data.notes()) all += note + "\n";
  return all;
}

void expect_note(const Dataset& data, const std::string& part) {
  EXPECT_NE(notes_of(data).find(part), std::string::npos) << notes_of(data);
}

/// As a model that has learned from columns a, b and y.
Source of_model(bool inputs_only = false) {
  Source source;
  source.columns = ColumnNames{{"a", "b"}, "y", ""};
  source.class_names = Names{};
  source.inputs_only = inputs_only;
  source.input_columns = 2;
  return source;
}

TEST(TableColumns, NamesDecideNotPlaces) {
  const Dataset swapped = load_table("y,b,a\n1,20,10\n0,40,30\n", of_model());
  EXPECT_EQ(inputs_of(swapped), (Numbers{10, 20, 30, 40}));
  EXPECT_EQ(labels_of(swapped), (std::vector<std::int32_t>{1, 0}));
  EXPECT_EQ(notes_of(swapped), "");

  const Dataset more = load_table("id,b,word,a,y\n7,20,red,10,1\n", of_model());
  EXPECT_EQ(inputs_of(more), (Numbers{10, 20}));
  expect_note(more, "columns \"id\", \"word\" are left out");

  for (const char* const text : {"b,a\n20,10\n", "b,y,a\n20,,10\n", "id,b,a\n1,20,10\n"}) {
    EXPECT_EQ(inputs_of(load_table(text, of_model(true))), (Numbers{10, 20})) << text;
  }
}

TEST(TableColumns, MissingAndDoubledOnesAreNamed) {
  const auto refused = [](const std::string& part, std::string_view text, const Source& source) {
    expect_error(ExitCode::bad_data, part, [&] { (void)load_table(text, source); });
  };
  refused("expected a column \"b\" as in the training data, found \"a\", \"c\", \"y\"",
          "a,c,y\n1,2,0\n", of_model());
  refused("expected columns \"a\", \"b\" as in the training data", "c,y\n1,0\n", of_model(true));
  refused("expected a column \"y\"", "a,b\n1,2\n", of_model());
  refused("columns 1 and 3 are both called \"b\"", "b,a,b,y\n1,2,3,0\n", of_model());
  refused("columns 1 and 3 are both called \"a\"", "a,b,a,y\n1,2,3,0\n", {});
  Source named;
  named.target = "y";
  refused("columns 1 and 4 are both called \"y\"", "y,a,b,y\n1,2,3,0\n", named);
  // What is left out may be called as it likes.
  EXPECT_EQ(inputs_of(load_table("c,a,b,c,y\n1,2,3,4,0\n", of_model())), (Numbers{2, 3}));
}

TEST(TableColumns, AConvertedTableKeepsItsNames) {
  const TemporaryDirectory directory;
  Source weighted;
  weighted.weights = "w";
  weighted.target = "y";
  const Dataset table =
      load_table("b,w,\"a, x \",y\n20,1,10,1\n40,2,30,0\n1,1,2,0\n3,1,4,0\n5,1,6,0\n", weighted);
  directory.write("t.h5", text_of(to_hdf5(table, "x", "y", "w")));
  Source source;
  source.path = directory / "t.h5";
  source.inputs_name = "x";
  source.targets_name = "y";
  source.weights = "w";
  EXPECT_EQ(load(source).columns(), (ColumnNames{{"b", "a, x "}, "y", "w"}));
  source.columns = ColumnNames{{"a, x ", "b"}, "y", "w"};  // of the training data
  EXPECT_EQ(inputs_of(load(source)), (Numbers{10, 20, 30, 40, 2, 1, 4, 3, 6, 5}));
  EXPECT_EQ(notes_of(load(source)), "");
  source.memory = 32;  // what stays in the file has the order that it has there
  expect_error(ExitCode::bad_data, "t.h5: its columns have other places than in the training data",
               [&] { (void)load(source); });
  source.columns = table.columns();
  EXPECT_EQ(load(source).columns(), table.columns());
  source.memory = 0;
  source.columns->weights = "";  // of a file whose weights were added by hand, under no column
  EXPECT_TRUE(load(source).describe().weighted);
  EXPECT_EQ(notes_of(load(source)), "");
  source.columns = table.columns();
  source.columns->inputs = {"b"};
  source.memory = 0;
  EXPECT_EQ(inputs_of(load(source)), (Numbers{20, 40, 1, 3, 5}));
  expect_note(load(source), "t.h5: column \"a, x \" is left out");
  source.columns->inputs = {"b", "c"};
  expect_error(ExitCode::bad_data, "t.h5: expected a column \"c\" as in the training data",
               [&] { (void)load(source); });
  source.columns->inputs = {"b", "y"};
  source.inputs_only = true;
  expect_error(ExitCode::bad_data, "t.h5: expected column \"y\" among the inputs",
               [&] { (void)load(source); });
}

TEST(TableColumns, BlankLinesWithinAreNamed) {
  const auto refused = [](const std::string& part, std::string_view text) {
    expect_error(ExitCode::bad_data, part, [&] { (void)load_table(text); });
  };
  refused("data.csv:3: column 1: expected 3 columns as in the first line, found a blank line",
          "a,b,y\n1,2,0\n\n2,3,1\n");
  refused("data.csv:2: column 1: expected 3 columns as in the first line, found a blank line",
          "1,2,0\n   \n2,3,1\n");
  refused("data.csv:1: column 1: expected the names of columns or a sample, found a blank line",
          "\na,b,y\n1,2,0\n");
  refused("found a blank line; take it out", "# measured\n\na,b,y\n1,2,0\n");
  EXPECT_EQ(load_table("a,b,y\n1,2,0\n2,3,1\n\n  \n").size(), 2);
}

TEST(TableColumns, WithoutNamesOnOneSidePlacesCountAndThatIsSaid) {
  const Dataset bare = load_table("1,2,0\n", of_model());
  EXPECT_EQ(inputs_of(bare), (Numbers{1, 2}));
  expect_note(bare, "no names; they are taken by place, for \"a\", \"b\"");
  Source nameless;
  nameless.columns = ColumnNames{};
  expect_note(load_table("b,a,y\n1,2,0\n", nameless), "none to compare them with");
  EXPECT_EQ(notes_of(load_table("1,2,0\n", nameless)), "");
}

TEST(TableColumns, TheFirstFileOfAPatternDecides) {
  const Dataset joined = load_parts({"a,b,y\n1,2,0\n", "y,b,a\n1,4,3\n", "b,y,a\n6,0,5\n"});
  EXPECT_EQ(inputs_of(joined), (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(labels_of(joined), (std::vector<std::int32_t>{0, 1, 0}));
  EXPECT_EQ(joined.column_names(), (Names{"a", "b"}));

  // As `split` cuts one file: the header, and an id, are in the first.
  const Dataset cut = load_parts({"id,a,y\n1,10,0\n2,20,1\n", "3,30,0\n", "4,40,1\n"});
  EXPECT_EQ(inputs_of(cut), (Numbers{10, 20, 30, 40}));
  expect_note(cut, "b.csv and 1 more: its columns have no names");
  expect_error(ExitCode::bad_data, "b.csv: expected a column \"b\"", [] {
    (void)load_parts({"a,b,y\n1,2,0\n", "a,c,y\n1,2,0\n"});
  });
  expect_error(ExitCode::bad_data, "b.csv: expected samples and targets as in", [] {
    (void)load_parts({"1,2,0\n", "1,2,3,0\n"});
  });
}

TEST(TableColumns, AnIdInFrontIsNoInput) {
  for (const std::string name : {"", "id", "Unnamed: 0", "PassengerId", "user_id"}) {
    const Dataset data = load_table(name + ",a,b,y\n7,1,2,0\n3,4,5,1\n");
    EXPECT_EQ(inputs_of(data), (Numbers{1, 2, 4, 5})) << name;
    EXPECT_EQ(data.column_names(), (Names{"a", "b"})) << name;
    expect_note(data, "is no input");
  }
  const Dataset words = load_table("\"\",\"a\",\"y\"\n\"Mazda RX4\",1,0\n\"Fiat 128\",2,1\n");
  EXPECT_EQ(inputs_of(words), (Numbers{1, 2}));
  // One that comes again, or has decimals, is data; so is the only input.
  expect_note(load_table("id,a,y\n7,1,0\n7,2,1\n"), "column \"id\" is an input");
  EXPECT_EQ(load_table("index,a,y\n0.5,1,0\n1.5,2,1\n").shape().channels, 2);
  EXPECT_EQ(load_table("id,y\n1,0\n2,1\n").shape().channels, 1);
  EXPECT_EQ(load_table("humid,a,y\n1,1,0\n2,2,1\n").shape().channels, 2);
  // Under any other name, and without one, it is only said.
  for (const std::string head : {"", "number,a,y\n"}) {
    const Dataset data = load_table(head + "1,9,0\n2,8,1\n3,9,0\n4,8,1\n5,7,0\n");
    EXPECT_EQ(data.shape().channels, 2);
    expect_note(data, "the first input numbers the lines");
  }
}

TEST(TableColumns, NumbersCanBeNames) {
  const Dataset header = load_table("0,1,2\n5.5,6.5,0\n7.5,8.5,1\n");
  EXPECT_EQ(inputs_of(header), (Numbers{5.5, 6.5, 7.5, 8.5}));
  expect_note(header, "0,1,2, is taken for names");
  EXPECT_EQ(load_table(",0,1,label\n0,5,6,0\n1,7,8,1\n").column_names(), (Names{"0", "1"}));
  EXPECT_EQ(inputs_of(load_table("0,1,kind\n5,6,ant\n7,8,bee\n")), (Numbers{5, 6, 7, 8}));
  EXPECT_EQ(inputs_of(load_table("\"1\",\"2\"\n5,0\n6,1\n")), (Numbers{5, 6}));
  const Dataset two = load_table("0,1\n5,0\n");
  EXPECT_EQ(two.size(), 2);
  expect_note(two, "0,1, is taken for a sample");
  EXPECT_EQ(load_table("0,1\n0.5,0\n1.0,1\n").size(), 2);  // as programs write reals
  const Dataset years = load_table("2019,2020,label\n1.5,2.5,yes\n3.5,4.5,no\n");
  EXPECT_EQ(years.column_names(), (Names{"2019", "2020"}));
  expect_note(years, "2019,2020,label, is taken for names");
  // A sample of small numbers is one.
  EXPECT_EQ(load_table("0,1,ant\n5,6,bee\n7,8,ant\n").size(), 3);
  EXPECT_EQ(load_table("0,2,1\n5,6,0\n").size(), 2);
}

TEST(TableColumns, DelimitersCommentsAndLineEndsOfOtherPrograms) {
  const Numbers expected = {1, 2, 3, 4};
  for (const char* const text :
       {"a,b,y\r1,2,0\r3,4,1\r", "sep=;\r\na;b;y\r\n1;2;0\r\n3;4;1\r\n", "1|2|0\n3|4|1\n",
        "# a b y\n1 2 0\n3 4 1\n", "# made by hand\na,b,y\n1,2,0\n3,4,1\n",
        "a,b,y,\n1,2,0,\n3,4,1,\n", "a\tb\ty\t\n1\t2\t0\t\n3\t4\t1\t\n",
        "\"a;x\",\"b\",y\n1,2,0\n3,4,1\n",
        "\"a\",\"b\",\"y\"\n\"1\",\"2\",\"0\"\n\"3\",\"4\",\"1\"\n"}) {
    EXPECT_EQ(inputs_of(load_table(text)), expected) << text;
  }
  Source named = of_model();
  EXPECT_EQ(inputs_of(load_table("a,text,b,y\n1,\"two\nlines, and more\",2,0\n3,x,4,1\n", named)),
            expected);
  expect_error(ExitCode::bad_data, "data.csv:5: column 3: expected a number, found \"z\"", [&] {
    (void)load_table("a,text,b,y\n1,\"two\nlines\",2,0\n3,x,4,1\n5,6,z,0\n", named);
  });
}

}  // namespace
}  // namespace lockstep
