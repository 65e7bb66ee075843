// HDF5 files as other programs leave them.
#include <gmock/gmock.h>
#include <hdf5.h>

#include "io/hdf5_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"
#include "lockstep/io/hdf5.hpp"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A file of four inputs, x, to which other data sets are added.
class Hdf5Sets : public testing::Test {
 protected:
  Hdf5Sets() {
    write_hdf5_rows(file(), "x", true, {4, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
    source_.path = file();
    source_.inputs_name = "x";
    source_.targets_name = "y";
  }

  [[nodiscard]] std::string file() const { return directory_ / "a.h5"; }

  void add(const std::string& name, hid_t type, std::vector<hsize_t> shape,
           const void* values) const {
    const hid_t to = H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t link = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(link, 1);
    const hid_t dataset = H5Dcreate2(to, name.c_str(), type, space, link, H5P_DEFAULT, H5P_DEFAULT);
    if (values != nullptr) H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Pclose(link);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Fclose(to);
  }

  /// As h5py writes text: each of its own length.
  void add_texts(const std::string& name, std::vector<const char*> texts) const {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    add(name, type, {texts.size()}, texts.data());
    H5Tclose(type);
  }

  void add_labels() const {
    add("y", H5T_NATIVE_INT8, {4}, std::vector<std::int8_t>{0, 1, 2, 0}.data());
  }

  [[nodiscard]] std::vector<std::int32_t> labels(Index memory = 0) {
    source_.memory = memory;
    const Dataset data = load(source_);
    return {data.labels().begin(), data.labels().end()};
  }

  TemporaryDirectory directory_;
  Source source_;
};

TEST_F(Hdf5Sets, BoolsAreZeroAndOne) {
  const hid_t boolean = H5Tenum_create(H5T_NATIVE_INT8);
  const std::int8_t no = 0, yes = 1;
  H5Tenum_insert(boolean, "FALSE", &no);
  H5Tenum_insert(boolean, "TRUE", &yes);
  add("y", boolean, {4}, std::vector<std::int8_t>{0, 1, 1, 0}.data());
  EXPECT_THAT(labels(), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(load(source_).class_names(), IsEmpty());
  source_.inputs_name = "y";
  EXPECT_EQ(load(source_).float_inputs()[2], 1.0f);
  source_.classification = false;
  EXPECT_EQ(load(source_).values()[1], 1.0f);
}

TEST_F(Hdf5Sets, TextsAreClasses) {
  add_texts("y", {"hen", "cat", "cow", "hen"});
  EXPECT_THAT(labels(), ElementsAre(2, 0, 1, 2));
  EXPECT_THAT(load(source_).class_names(), ElementsAre("cat", "cow", "hen"));
  source_.class_names = {"hen", "cow", "cat"};  // of the training data
  EXPECT_THAT(labels(), ElementsAre(0, 2, 1, 0));
  source_.class_names = {"hen", "cow"};
  expect_error(ExitCode::bad_data,
               "a.h5: /y: sample 1: expected a class of the training data, hen, cow; found \"cat\"",
               [&] { (void)labels(); });
}

TEST_F(Hdf5Sets, TextsOfSeveralFilesThatAreStreamedAreTheSameClasses) {
  add_texts("y", {"hen", "cat", "cow", "hen"});
  std::filesystem::copy(file(), directory_ / "b.h5");
  source_.path = directory_ / "?.h5";
  EXPECT_THAT(labels(32), ElementsAre(2, 0, 1, 2, 2, 0, 1, 2));
  EXPECT_THAT(labels(0), ElementsAre(2, 0, 1, 2, 2, 0, 1, 2));
  source_.memory = 32;
  const Dataset data = load(source_);
  EXPECT_TRUE(data.describe().streamed());
  EXPECT_THAT(data.class_names(), ElementsAre("cat", "cow", "hen"));
}

TEST_F(Hdf5Sets, TextsOfSortedFilesAreClassesOfAll) {
  add_texts("y", {"yes", "yes", "yes", "yes"});
  std::filesystem::rename(file(), directory_ / "b.h5");
  write_hdf5_rows(file(), "x", true, {4, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
  add_texts("y", {"no", "no", "maybe", "no"});
  std::filesystem::copy(directory_ / "b.h5", directory_ / "c.h5");
  source_.path = directory_ / "?.h5";
  for (const Index memory : {0, 32}) {
    EXPECT_THAT(labels(memory), ElementsAre(1, 1, 0, 1, 2, 2, 2, 2, 2, 2, 2, 2)) << memory;
    EXPECT_THAT(load(source_).class_names(), ElementsAre("maybe", "no", "yes"));
  }
  source_.class_names = {"yes", "no", "maybe"};  // of the training data
  for (const Index memory : {0, 32}) {
    EXPECT_THAT(labels(memory), ElementsAre(1, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0)) << memory;
  }
}

TEST_F(Hdf5Sets, TextsAndNumbersOfSeveralFilesAreNotMixed) {
  add_texts("y", {"no", "yes", "yes", "no"});
  std::filesystem::rename(file(), directory_ / "b.h5");
  const auto refused = [&](const std::string& numbers, const std::string& words) {
    source_.path = directory_ / "?.h5";
    for (const Index memory : {0, 32}) {
      for (const std::string& part : {numbers + ": expected labels of one kind in all files",
                                      words + " are texts, no, yes: nothing says"}) {
        expect_error(ExitCode::bad_data, part, [&] { (void)labels(memory); });
      }
    }
  };
  write_hdf5_rows(file(), "x", true, {4, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
  add_labels();
  refused("a.h5", "b.h5");
  std::filesystem::rename(file(), directory_ / "c.h5");
  refused("c.h5", "b.h5");
  write_hdf5_rows(directory_ / "c.h5", "x", true, {4, 2}, std::vector<float>(8));
  std::filesystem::rename(directory_ / "c.h5", file());
  add_texts("y", {"0", "1", "1", "0"});
  refused("a.h5", "b.h5");
}

TEST_F(Hdf5Sets, NamesOfClassesAreUnique) {
  add_labels();
  add_texts("y_names", {"cat", "cow", "cat"});
  for (const Index memory : {0, 32}) {
    expect_error(ExitCode::bad_data,
                 "/y_names: expected a name of its own for each class, found \"cat\" twice",
                 [&] { (void)labels(memory); });
  }
}

TEST_F(Hdf5Sets, NamesOfOneFileAreThoseOfAllAndThatIsSaid) {
  add_labels();
  std::filesystem::copy(file(), directory_ / "b.h5");
  add_texts("y_names", {"cat", "cow", "hen"});
  std::filesystem::rename(file(), directory_ / "c.h5");
  std::filesystem::copy(directory_ / "b.h5", file());
  source_.path = directory_ / "?.h5";
  for (const Index memory : {0, 32}) {
    source_.memory = memory;
    EXPECT_THAT(load(source_).class_names(), ElementsAre("cat", "cow", "hen"));
    EXPECT_THAT(load(source_).notes(),
                ElementsAre(HasSubstr("?.h5: 2 of 3 files without names of classes: their numbers "
                                      "are taken for those of " +
                                      directory_ / "c.h5" + ": " + directory_ / "a.h5")));
  }
  write_hdf5_rows(file(), "x", true, {4, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
  add("y", H5T_NATIVE_INT8, {4}, std::vector<std::int8_t>{0, 1, 2, 3}.data());
  for (const Index memory : {0, 32}) {
    expect_error(ExitCode::bad_data, "expected a name for each of 4 classes, found 3: cat",
                 [&] { (void)labels(memory); });
  }
}

TEST_F(Hdf5Sets, NumbersAreTakenForTheClassesOfTheModelAndThatIsSaid) {
  add_labels();
  source_.class_names = {"cat", "cow", "hen"};
  EXPECT_THAT(load(source_).notes(),
              ElementsAre(HasSubstr("a.h5: /y: its labels are numbers, taken for the classes")));
}

/// A type of so many names, which are numbered from `first` in steps of `step`.
hid_t enumeration(const std::vector<const char*>& names, std::int8_t first, std::int8_t step) {
  const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
  for (const char* const name : names) {
    H5Tenum_insert(type, name, &first);
    first = static_cast<std::int8_t>(first + step);
  }
  return type;
}

TEST_F(Hdf5Sets, NamesOfAnEnumerationAreThoseOfClasses) {
  write_hdf5_rows(file(), "x", true, {5, 2}, std::vector<float>(10, 1.0f));
  add("y", enumeration({"red", "green", "blue"}, 0, 1), {5},
      std::vector<std::int8_t>{2, 0, 1, 0, 1}.data());
  for (const Index memory : {0, 32}) {
    EXPECT_THAT(labels(memory), ElementsAre(2, 0, 1, 0, 1));
    EXPECT_THAT(load(source_).class_names(), ElementsAre("red", "green", "blue"));
  }
  // Numbers that are no classes are words, as texts are.
  source_.targets_name = "z";
  add("z", enumeration({"red", "green", "blue"}, 10, 10), {5},
      std::vector<std::int8_t>{30, 10, 20, 10, 20}.data());
  for (const Index memory : {0, 32}) {
    EXPECT_THAT(labels(memory), ElementsAre(0, 2, 1, 2, 1));
    EXPECT_THAT(load(source_).class_names(), ElementsAre("blue", "green", "red"));
  }
  source_.targets_name = "v";
  add("v", enumeration({"red", "green"}, 10, 10), {5},
      std::vector<std::int8_t>{10, 20, 15, 10, 20}.data());
  expect_error(ExitCode::bad_data, "a.h5: /v: sample 2: expected a number that its type, an",
               [&] { (void)labels(); });
  // One that says that nobody knows is no class.
  source_.targets_name = "w";
  add("w", enumeration({"unknown", "no", "yes"}, -1, 1), {5},
      std::vector<std::int8_t>{0, -1, 1, 0, 1}.data());
  source_.ignore_label = -1;
  EXPECT_THAT(labels(), ElementsAre(0, -1, 1, 0, 1));
  EXPECT_THAT(load(source_).class_names(), ElementsAre("no", "yes"));
}

TEST_F(Hdf5Sets, OneSentenceAboutManyFilesIsSaidOnce) {
  add("y", H5T_NATIVE_FLOAT, {4, 3}, std::vector<float>{0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0}.data());
  std::filesystem::copy(file(), directory_ / "b.h5");
  std::filesystem::copy(file(), directory_ / "c.h5");
  source_.path = directory_ / "?.h5";
  EXPECT_THAT(load(source_).notes(),
              ElementsAre(HasSubstr("a.h5 and 2 more: /y: targets of shape (4, 3) are one-hot")));
}

TEST_F(Hdf5Sets, BytesAreBroughtToTheScaleOfAModelThatTakesSomethingOff) {
  write_hdf5_rows(file(), "x", true, {4, 2}, std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8});
  add_labels();
  source_.input_offsets = {false, {1.5, 0}};
  const Dataset data = load(source_);
  EXPECT_THAT(data.float_inputs(), ElementsAre(-0.5f, 2, 1.5f, 4, 3.5f, 6, 5.5f, 8));
  EXPECT_EQ(data.offsets(), source_.input_offsets.values);
  source_.memory = 1000;  // more than they need
  EXPECT_EQ(load(source_).offsets(), source_.input_offsets.values);
  source_.memory = 4;
  expect_error(ExitCode::bad_data, "a.h5: /x: bytes that stay in their file cannot be brought",
               [&] { (void)load(source_); });
}

TEST_F(Hdf5Sets, WithoutRoomInMemoryTheyStayInTheirFile) {
  write_hdf5_rows(file(), "x", true, {5, 2}, std::vector<float>(10, 1.0f));
  add("y", H5T_NATIVE_INT8, {5}, std::vector<std::int8_t>{0, 1, 2, 0, 1}.data());
  std::filesystem::resize_file(file(), std::uintmax_t{1} << 41);  // more than is ever read
  expect_error(ExitCode::bad_data,
               "a.h5: its 2199023255552 bytes do not fit into memory\n  set data.memory",
               [&] { (void)labels(0); });
  EXPECT_THAT(labels(32), ElementsAre(0, 1, 2, 0, 1));
}

TEST_F(Hdf5Sets, FilesOfStrangersStayIfTheyAreLargeTogether) {
  write_hdf5_rows(file(), "x", true, {1000, 2}, std::vector<float>(2000, 1.0f));
  add("y", H5T_NATIVE_INT8, {1000}, std::vector<std::int8_t>(1000, 1).data());
  std::filesystem::copy(file(), directory_ / "b.h5");
  const auto bytes = static_cast<Index>(std::filesystem::file_size(file()));
  source_.path = directory_ / "?.h5";
  source_.untrusted = true;
  source_.memory = bytes + 1;
  ASSERT_LT(source_.memory, 2 * 8000);  // bytes of all inputs
  EXPECT_TRUE(load(source_).describe().streamed());
}

TEST_F(Hdf5Sets, NoFileOfLabelsIsRead) {
  add_labels();
  source_.labels_path = "nowhere.npy";
  for (const Index memory : {0, 32}) {
    expect_error(ExitCode::config,
                 "a.h5: its format, hdf5, holds the labels itself, and no file of labels is read; "
                 "found nowhere.npy",
                 [&] { (void)labels(memory); });
  }
}

TEST_F(Hdf5Sets, ColumnsWithoutNamesAreTakenByPlaceAndThatIsSaid) {
  add_labels();
  EXPECT_THAT(load(source_).notes(), IsEmpty());
  source_.columns = ColumnNames{{"length", "width"}, "kind", ""};
  for (const Index memory : {0, 32}) {
    source_.memory = memory;
    EXPECT_THAT(load(source_).notes(),
                ElementsAre(HasSubstr("a.h5: its columns have no names; they are taken by place, "
                                      "for ")));
  }
}

TEST_F(Hdf5Sets, TextsOfFixedLengthAndNumbersAsText) {
  const hid_t three = H5Tcopy(H5T_C_S1);
  H5Tset_size(three, 3);
  add("y", three, {4}, "no\0yesyesno\0");
  EXPECT_THAT(labels(), ElementsAre(0, 1, 1, 0));
  add_texts("z", {"7", "0", "3", "7"});
  source_.targets_name = "z";
  EXPECT_THAT(labels(), ElementsAre(7, 0, 3, 7));
  EXPECT_THAT(load(source_).class_names(), IsEmpty());
}

TEST_F(Hdf5Sets, NamesOfClassesInEveryForm) {
  add_labels();
  const auto names = [&](const std::string& name, std::vector<const char*> texts) {
    const hid_t to = H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    if (H5Lexists(to, name.c_str(), H5P_DEFAULT) > 0) H5Ldelete(to, name.c_str(), H5P_DEFAULT);
    H5Fclose(to);
    add_texts(name, std::move(texts));
    return load(source_).class_names();
  };
  EXPECT_THAT(names("y_names", {"cat", "cow", "hen"}), ElementsAre("cat", "cow", "hen"));
  EXPECT_THAT(names("y_names", {"cat\ncow\nhen\n"}), ElementsAre("cat", "cow", "hen"));
  EXPECT_THAT(names("y_names", {"cat, cow,hen"}), ElementsAre("cat", "cow", "hen"));
  EXPECT_THAT(names("y_names", {R"(["cat", "c,w", "hen"])"}), ElementsAre("cat", "c,w", "hen"));
  const auto refused = [&](const char* part, const std::vector<const char*>& texts) {
    expect_error(ExitCode::bad_data, part, [&] { (void)names("y_names", texts); });
  };
  refused("/y_names: expected names of classes as a list of JSON", {"['cat','cow','hen']"});
  refused("/y_names: expected names of classes as a list of JSON",
          {R"({"cat":0,"cow":1,"hen":2})"});
  refused("/y_names: expected names of classes without control characters, found \"\\x1b[2J\"",
          {"cat", "\x1b[2J", "hen"});
  refused("/y_names: expected the name of a class, found an empty text", {"cat", "", "hen"});
  expect_error(ExitCode::bad_data,
               "/y_names: expected a name for each of 3 classes, found 1: cat cow hen",
               [&] { (void)names("y_names", {"cat cow hen"}); });
}

TEST_F(Hdf5Sets, NamesOfClassesAsAnAttribute) {
  add_labels();
  const hid_t to = H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t dataset = H5Dopen2(to, "y", H5P_DEFAULT);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  const hsize_t three = 3;
  const hid_t space = H5Screate_simple(1, &three, nullptr);
  const hid_t attribute = H5Acreate2(dataset, "names", type, space, H5P_DEFAULT, H5P_DEFAULT);
  const char* const texts[] = {"cat", "cow", "hen"};
  H5Awrite(attribute, type, texts);
  H5Aclose(attribute);
  H5Dclose(dataset);
  H5Fclose(to);
  EXPECT_THAT(load(source_).class_names(), ElementsAre("cat", "cow", "hen"));
}

TEST_F(Hdf5Sets, OtherNamesAreListed) {
  add("sets/labels", H5T_NATIVE_INT64, {4}, nullptr);
  const auto expect = [&](Index memory) {
    source_.memory = memory;
    expect_error(ExitCode::bad_data,
                 "a.h5: /inputs: expected a data set of this name, found none; the file holds\n"
                 "    /sets/labels (4) int64\n    /x (4, 2) float32\n"
                 "  choose among them: data.inputs = \"x\", data.targets = \"sets/labels\"",
                 [&] { (void)load(source_); });
  };
  source_.inputs_name = "inputs";
  expect(0);
  expect(16);
}

TEST_F(Hdf5Sets, NumbersThatNobodyWroteAreNoZeros) {
  add("y", H5T_NATIVE_INT64, {4}, nullptr);
  expect_error(ExitCode::bad_data, "/y: declares 4 elements, none of which was ever written",
               [&] { (void)labels(); });
}

TEST_F(Hdf5Sets, ChunksThatNobodyWroteAreCounted) {
  const hid_t to = H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hsize_t size = 4, chunk = 1, two = 2, zero = 0;
  const hid_t space = H5Screate_simple(1, &size, nullptr);
  const hid_t part = H5Screate_simple(1, &two, nullptr);
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(properties, 1, &chunk);
  const hid_t dataset =
      H5Dcreate2(to, "y", H5T_NATIVE_INT32, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, &zero, nullptr, &two, nullptr);
  const int written[] = {1, 2};
  H5Dwrite(dataset, H5T_NATIVE_INT32, part, space, H5P_DEFAULT, written);
  H5Dclose(dataset);
  H5Fclose(to);
  EXPECT_THAT(labels(), ElementsAre(1, 2, 0, 0));
  EXPECT_THAT(load(source_).notes(),
              ElementsAre(HasSubstr("a.h5: /y: 2 of 4 chunks were never written")));
}

TEST_F(Hdf5Sets, OneHotTargetsAreLabels) {
  add("y", H5T_NATIVE_FLOAT, {4, 3}, std::vector<float>{0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0}.data());
  EXPECT_THAT(labels(), ElementsAre(1, 0, 2, 1));
  EXPECT_THAT(load(source_).notes(), ElementsAre(HasSubstr("/y: targets of shape (4, 3) are "
                                                           "one-hot, each row a single 1: taken as "
                                                           "labels from 0 to 2")));
  // Two answers in one row are two positions, or several classes at once.
  add("z", H5T_NATIVE_FLOAT, {4, 3}, std::vector<float>{0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0}.data());
  source_.targets_name = "z";
  EXPECT_EQ(load(source_).describe().target_columns, 3);
  EXPECT_THAT(load(source_).notes(), IsEmpty());
}

TEST_F(Hdf5Sets, LabelsOfPositionsAreNoOneHotRows) {
  write_hdf5_rows(file(), "x", true, {4, 3, 1}, std::vector<float>(12, 1.0f));
  add("y", H5T_NATIVE_FLOAT, {4, 3}, std::vector<float>{0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0}.data());
  EXPECT_EQ(load(source_).describe().target_columns, 3);
}

TEST(Hdf5Files, OfWritersThatNeverClosedThemSayHowToMendThem) {
  const TemporaryDirectory directory;
  Source source;
  source.path = directory / "a.h5";
  source.memory = 16;
  const auto write = [&](bool latest) {
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (latest) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    H5Fclose(H5Fcreate(source.path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access));
    H5Pclose(access);
    std::ifstream in(source.path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  std::string open = write(true);
  ASSERT_EQ(open[8], 3);  // the version of the superblock
  open[11] = '\5';        // open for writing, and read meanwhile
  std::string truncated = write(false);
  // Only the first 96 bytes reached the disk, and later ones without what leads to them.
  std::string unfinished = truncated;
  std::fill(unfinished.begin() + 96, unfinished.end(), '\0');
  unfinished.replace(40, 8, std::string("\x60\0\0\0\0\0\0\0", 8));
  truncated.resize(truncated.size() - 100);
  for (const Index memory : {0, 16}) {
    source.memory = memory;
    directory.write("a.h5", open);
    expect_error(ExitCode::bad_data, "its writer never closed it; if none is at work:  h5clear -s",
                 [&] { (void)load(source); });
    directory.write("a.h5", unfinished);
    expect_error(ExitCode::bad_data, "its header ends it after 96 bytes: its writer never closed",
                 [&] { (void)load(source); });
    directory.write("a.h5", truncated);
    expect_error(ExitCode::bad_data, "bytes: it is truncated, or its writer never closed it",
                 [&] { (void)load(source); });
  }
  directory.write("a.h5", write(false));
  expect_error(ExitCode::bad_data, "the file holds none at all: its writer did not close it",
               [&] { (void)load(source); });
}

}  // namespace
}  // namespace lockstep
