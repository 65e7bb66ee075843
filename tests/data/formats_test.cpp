#include "lockstep/data/formats.hpp"

#include <algorithm>

#include "data/data_testing.hpp"
#include "io/testing.hpp"

namespace lockstep {
namespace {

using namespace std::string_literals;

TEST(Formats, AreNamedOnce) {
  std::vector<std::string_view> names;
  for (const Format& format : formats()) {
    names.push_back(format.name);
    EXPECT_FALSE(format.description.empty());
    EXPECT_FALSE(format.extensions.empty());
  }
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST(Formats, AreRecognisedByContentBeforeExtension) {
  const TemporaryDirectory directory;
  Source source;
  source.path = directory.write("misnamed.csv", idx_header(8, {1}) + "x");
  source.labels_path = directory.write("labels", idx_header(8, {1}) + "\0"s);
  EXPECT_EQ(load(source).byte_inputs()[0], 'x');
  EXPECT_EQ(load(source).name(), source.path);
}

TEST(Formats, AreRecognisedByExtensionInAnyCase) {
  const TemporaryDirectory directory;
  Source source;
  for (const std::string name : {"a.csv", "a.CSV", "a.Txt", "a.tsv", "dir.h5.data"}) {
    source.path = directory.write(name, "1,2\n");
    EXPECT_EQ(load(source).label(0), 2) << name;
  }
}

TEST(Formats, CanBeForced) {
  const TemporaryDirectory directory;
  Source source;
  source.type = "csv";
  source.path = directory.write("noextension", "1,2\n");
  EXPECT_EQ(load(source).label(0), 2);
}

TEST(Formats, GiveEqualDigestsForEqualData) {
  const TemporaryDirectory directory;
  Source csv, npy;
  csv.path = directory.write("a.csv", "1,2,0\n3,4,1\n");
  npy.path = directory.write("x.npy", npy_file("<f4", "(2, 2)",
                                               little_endian(1.0f) + little_endian(2.0f) +
                                                   little_endian(3.0f) + little_endian(4.0f)));
  npy.labels_path = directory.write("y.npy", npy_file("|i1", "(2,)", "\0\1"s));
  EXPECT_EQ(load(csv).digest(), load(npy).digest());
}

TEST(Formats, WeightsOfSeveralFilesFollowEachOther) {
  const TemporaryDirectory directory;
  directory.write("a1.csv", "1,0,0\n2,1,0\n");
  directory.write("a2.csv", "3,0,4\n");
  Source source;
  source.path = directory / "a?.csv";
  source.target = Index{1};
  source.weights = Index{2};
  const Dataset data = load(source);
  EXPECT_TRUE(std::ranges::equal(data.weights(), std::vector<float>{0, 0, 4}));
  EXPECT_EQ(data.label(1), 1);
}

TEST(Formats, InputsOnlyNeedNoAnswers) {
  const TemporaryDirectory directory;
  Source source;
  source.inputs_only = true;
  source.path = directory.write("images", idx_header(8, {1, 2}) + "xy");
  EXPECT_EQ(load(source).byte_inputs()[1], 'y');
  EXPECT_EQ(load(source).label(0), 0);

  source.input_columns = 2;
  source.path = directory.write("without.csv", "1.5,2.5\n");
  EXPECT_EQ(load(source).shape().channels, 2);
  source.path = directory.write("with.csv", "1.5,2.5,unknown\n");
  EXPECT_EQ(load(source).shape().channels, 2);  // nobody asks for the answer
  source.path = directory.write("with.csv", "1.5,2.5,7.5\n");
  EXPECT_EQ(load(source).shape().channels, 2);
}

}  // namespace
}  // namespace lockstep
