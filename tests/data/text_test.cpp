#include "lockstep/data/text.hpp"

#include <set>

#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

using namespace std::string_literals;

Source source_of(const std::string& path, Index context, Index stride = 0) {
  Source source;
  source.type = "text";
  source.path = path;
  source.text.context = context;
  source.text.stride = stride;
  return source;
}

/// The window as text, and behind a slash the symbols that follow each of its symbols.
std::string window_of(const Dataset& data, Index sample, Index offset = 0) {
  std::vector<Real> inputs(static_cast<std::size_t>(data.shape().size()));
  std::vector<std::int32_t> labels(inputs.size());
  data.read_window(sample, offset, inputs, labels);
  std::string text;
  for (const Real x : inputs) text += data.vocabulary().decode(static_cast<std::int32_t>(x));
  text += '/';
  for (const std::int32_t label : labels) text += data.vocabulary().decode(label);
  return text;
}

TEST(Text, SamplesAreWindowsAndLabelsTheNextSymbols) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("a.txt", "abcdefghijk");
  const Dataset data = load(source_of(path, 3));
  EXPECT_EQ(data.shape(), (Shape{3, 1, 1}));
  EXPECT_EQ(data.describe().target_columns, 3);
  EXPECT_EQ(data.size(), 2);  // a third one would have no room for the largest offset
  EXPECT_EQ(data.classes(), 11);
  EXPECT_EQ(window_of(data, 0), "abc/bcd");
  EXPECT_EQ(window_of(data, 1), "def/efg");
  EXPECT_EQ(window_of(data, 1, 2), "fgh/ghi");
  const Dataset overlapping = load(source_of(path, 3, 2));
  EXPECT_EQ(overlapping.size(), 4);
  EXPECT_EQ(window_of(overlapping, 3, 1), "hij/ijk");
  EXPECT_EQ(data.describe().storage_bytes(), 64);  // each symbol once, up to the alignment
  EXPECT_NE(data.digest(), overlapping.digest());
}

TEST(Text, OffsetsAreAFunctionOfSeedAndEpoch) {
  DatasetHeader header;
  header.stride = 5;
  std::set<Index> found;
  for (std::uint64_t epoch = 0; epoch < 100; ++epoch) {
    const Index offset = window_offset(header, 7, epoch);
    EXPECT_EQ(offset, window_offset(header, 7, epoch));
    EXPECT_TRUE(offset >= 0 && offset < 5);
    found.insert(offset);
  }
  EXPECT_EQ(found.size(), 5u);
}

TEST(Text, TheLastPartIsHeldOut) {
  const TemporaryDirectory directory;
  const Dataset whole = load(source_of(directory.write("a.txt", "abcdefghijklmnopqrst"), 2));
  const TextParts parts = split_text(whole, 0.25);
  EXPECT_EQ(window_of(parts.train, parts.train.size() - 1, 1), "lm/mn");
  EXPECT_EQ(window_of(parts.validation, 0), "pq/qr");
  EXPECT_EQ(parts.validation.vocabulary(), whole.vocabulary());
  expect_error(ExitCode::bad_data, "validation part): expected at least 4 symbols",
               [&] { (void)split_text(whole, 0.1); });
}

TEST(Text, FilesFollowEachOther) {
  const TemporaryDirectory directory;
  directory.write("2.txt", "cd");
  directory.write("1.txt", "ab");
  directory.write("3.csv", "1,2");
  EXPECT_EQ(window_of(load(source_of(directory / "?.txt", 2)), 0), "ab/bc");
  EXPECT_EQ(window_of(load(source_of(directory.path().string(), 2)), 0), "ab/bc");
}

TEST(Text, AnotherTextHasTheSymbolsOfTheFirst) {
  const TemporaryDirectory directory;
  Source source = source_of(directory.write("b.txt", "cab"), 1);
  source.text.vocabulary = Vocabulary::of_text("abcd", "a.txt");
  EXPECT_EQ(load(source).symbols()[0], 2);
  directory.write("b.txt", "ab\nax");
  expect_error(ExitCode::bad_data,
               "b.txt:1: column 3: expected one of the 4 characters of the "
               "training text, found U+000A",
               [&] { (void)load(source); });
  directory.write("b.txt", "abc€");
  expect_error(ExitCode::bad_data, "b.txt:1: column 4", [&] { (void)load(source); });
  expect_error(ExitCode::bad_data, "found '€' (U+20AC)", [&] { (void)load(source); });
}

TEST(Text, OfTooFewSymbolsIsRefused) {
  const TemporaryDirectory directory;
  expect_error(ExitCode::bad_data, "expected at least 8 symbols, data.context and data.stride",
               [&] { (void)load(source_of(directory.write("a.txt", "abcdefg"), 4)); });
  expect_error(ExitCode::bad_data, "found 0",
               [&] { (void)load(source_of(directory.write("a.txt", ""), 4)); });
  Source values = source_of(directory.write("a.txt", "abcdefgh"), 4);
  values.classification = false;
  expect_error(ExitCode::config, "cross_entropy", [&] { (void)load(values); });
}

TEST(Vocabulary, HasTheCharactersInOrder) {
  const Vocabulary v = Vocabulary::of_text("b\na€ä😀b", "x");
  EXPECT_EQ(v.size(), 6);
  std::string all;
  for (std::int32_t i = 0; i < 6; ++i) all += v.decode(i);
  EXPECT_EQ(all, "\nabä€😀");
  EXPECT_EQ(v.encode("ab😀", "x"), (std::vector<std::int32_t>{1, 2, 5}));
  EXPECT_EQ(Vocabulary::stored(false, v.code_points()), v);
  EXPECT_TRUE(Vocabulary().empty());
}

TEST(Vocabulary, OfBytesTakesEverything) {
  const Vocabulary v = Vocabulary::bytes();
  EXPECT_EQ(v.size(), 256);
  EXPECT_EQ(v.encode("\xff\0a"s, "x"), (std::vector<std::int32_t>{255, 0, 97}));
  EXPECT_EQ(v.decode(255), "\xff");
}

TEST(Vocabulary, NoUtf8IsRefusedWithItsPlace) {
  for (const std::string& bad : {"\x80"s, "\xc0\x80"s, "\xc3"s, "\xe0\x80\x80"s, "\xed\xa0\x80"s,
                                 "\xf4\x90\x80\x80"s, "\xff"s, "\xe2\x82"s}) {
    expect_error(ExitCode::bad_data, "x:2: column 2: expected a character in UTF-8",
                 [&] { (void)Vocabulary::of_text("ab\nc" + bad, "x"); });
  }
}

TEST(Vocabulary, DamagedOnesAreRefused) {
  const auto refuse = [](bool bytewise, const std::vector<std::uint32_t>& points) {
    expect_error(ExitCode::bad_data, "ascending code points",
                 [&] { (void)Vocabulary::stored(bytewise, points); });
  };
  refuse(false, {2, 1});
  refuse(false, {1, 1});
  refuse(false, {0x110000});
  refuse(true, {1, 2});
}

TEST(Text, AByteOrderMarkIsNoSymbol) {
  const TemporaryDirectory directory;
  Source source = source_of(directory / "*.txt", 2);
  directory.write("1.txt",
                  "\xEF\xBB\xBF"
                  "abc");
  directory.write("2.txt",
                  "\xEF\xBB\xBF"
                  "abc");
  EXPECT_EQ(load(source).vocabulary().size(), 3);
  EXPECT_EQ(window_of(load(source), 0), "ab/bc");
  EXPECT_EQ(load(source).describe().symbols, 6);
  source.text.bytewise = true;
  EXPECT_EQ(load(source).describe().symbols, 6);
  EXPECT_TRUE(load(source).notes().empty());
}

TEST(Text, CarriageReturnsAreSaid) {
  const TemporaryDirectory directory;
  const Dataset data = load(source_of(directory.write("a.txt", "ab\r\ncd\r\nef"), 2));
  ASSERT_EQ(data.notes().size(), 1u);
  EXPECT_NE(data.notes()[0].find("a.txt: 2 carriage returns"), std::string::npos)
      << data.notes()[0];
  const TextParts parts = split_text(data, 0.5);
  EXPECT_EQ(parts.train.notes(), data.notes());
}

TEST(Text, OtherFilesAreRefusedOrSaid) {
  const TemporaryDirectory directory;
  Source source = source_of(directory / "a.txt", 3);
  const auto write = [&](const std::string& content) { directory.write("a.txt", content); };
  write("<html>404 not found");
  EXPECT_NE(load(source).notes().at(0).find("a.txt is an HTML page"), std::string::npos);
  write("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n");
  expect_error(ExitCode::bad_data, "git lfs pull", [&] { (void)load(source); });
  write(
      "\xff\xfe"
      "a\0b\0c\0d\0"s);
  expect_error(ExitCode::bad_data, "expected a text in UTF-8, but this is UTF-16 text",
               [&] { (void)load(source); });
  write("t\0\0\0h\0\0\0e\0\0\0 \0\0\0"s);
  expect_error(ExitCode::bad_data, "this is UTF-32 text", [&] { (void)load(source); });
  write("the hen\0sat"s);
  expect_error(ExitCode::bad_data, "a.txt: offset 7: expected a text in UTF-8, found a zero byte",
               [&] { (void)load(source); });
  write(
      "\xff\xfe"
      "a\0b\0c\0d\0"s);
  source.text.bytewise = true;  // bytes can be anything
  EXPECT_NE(load(source).notes().at(0).find("a.txt is UTF-16 text"), std::string::npos);
}

}  // namespace
}  // namespace lockstep
