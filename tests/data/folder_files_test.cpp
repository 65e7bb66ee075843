#include "data/folder_files.hpp"

#include <gmock/gmock.h>

#include "data/data_testing.hpp"
#include "data/paths.hpp"
#include "io/testing.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPicture = "P5 1 1 255\nx";

/// Folders "cat" and "dog" of one picture each.
class Folders : public testing::Test {
 protected:
  Folders() {
    add("cat/1.pgm");
    add("dog/1.pgm");
    source_.path = directory_ / "set";
  }

  void add(const std::string& name, const std::string& content = kPicture) const {
    const fs::path path = directory_.path() / "set" / name;
    fs::create_directories(path.parent_path());
    directory_.write("set/" + name, content);
  }

  [[nodiscard]] std::string notes() const {
    const Dataset data = load(source_);
    std::string all;
    for (const std::string& note : data.notes()) all += note + "\n";
    return all;
  }

  TemporaryDirectory directory_;
  Source source_;
};

TEST_F(Folders, HiddenOnesAndLitterAreLeftOutInSilence) {
  add("cat/.DS_Store", "x");
  add("cat/Thumbs.db", "x");
  add("desktop.ini", "x");
  add(".cache/2.jpg", "x");
  EXPECT_EQ(notes(), "");
}

TEST_F(Folders, OthersAreCounted) {
  add("cat/notes.txt", "x");
  add("dog/notes.txt", "x");
  add("LICENSE", "x");
  EXPECT_THAT(notes(), HasSubstr("left out files that are no pnm: 2 .txt, 1 without extension"));
  // But for the table of labels.
  source_.labels_path = directory_ / "set/labels.csv";
  add("labels.csv", "cat/1.pgm,0\ndog/1.pgm,1\n");
  EXPECT_THAT(notes(), Not(HasSubstr(".csv")));
}

TEST_F(Folders, PicturesOfAnotherFormatAreRefusedUnlessTheFormatIsChosen) {
  add("hen/1.JPG", "\xff\xd8\xff");
  expect_error(ExitCode::bad_data,
               "expected pnm alone, found 1 .jpg beside 2 files of it, the first " +
                   directory_ / "set/hen/1.JPG" + "\n  convert the pictures",
               [&] { (void)load(source_); });
  source_.type = "pnm";
  EXPECT_THAT(notes(), HasSubstr("left out a file that is no pnm: 1 .jpg"));
  EXPECT_THAT(notes(), HasSubstr("a folder without such files, no class: hen"));
}

TEST_F(Folders, OfNothingElseTellWhatThereIs) {
  const auto expect = [&](const std::string& name, const std::string& fragment) {
    const TemporaryDirectory other;
    other.write(name, "x");
    source_.path = other.path().string();
    expect_error(ExitCode::no_input, fragment, [&] { (void)load(source_); });
  };
  expect("a.jpeg", "found 1 .jpeg\n  convert the pictures to PNG");
  expect("a.flac", "found 1 .flac\n  convert the recordings to WAV");
  expect("a.csv", "found 1 .csv\n  a pattern names several files of samples: ");
}

TEST_F(Folders, OfFilesWithManySamplesNeedAPattern) {
  source_.type = "npy";
  expect_error(ExitCode::bad_data, "set: expected a file of format npy, found a folder; a pattern",
               [&] { (void)load(source_); });
}

TEST_F(Folders, EmptyClassesAreSaid) {
  fs::create_directories(directory_.path() / "set" / "hen");
  fs::create_directories(directory_.path() / "set" / "pig" / "old");
  EXPECT_THAT(notes(), HasSubstr("folders without such files, no classes: hen, pig, pig/old"));
}

TEST_F(Folders, BesideTheirClassesAreRefused) {
  add("stray.pgm");
  expect_error(ExitCode::bad_data, "set/stray.pgm: expected it in the folder of its class",
               [&] { (void)load(source_); });
  source_.inputs_only = true;  // then nobody asks for a class
  EXPECT_EQ(load(source_).size(), 3);
}

TEST_F(Folders, ClassesOfSeveralFoldersAreSaid) {
  add("old/cat/1.pgm");
  EXPECT_THAT(notes(), HasSubstr("the files of 2 folders are one class, cat: cat, old/cat"));
  EXPECT_THAT(notes(), Not(HasSubstr("without")));
}

TEST_F(Folders, FilesDeeperThanOthersAreSaid) {
  EXPECT_EQ(notes(), "");
  add("cat/deep/1.pgm");
  EXPECT_THAT(notes(), HasSubstr("1 of 3 files deeper in folders than the others"));
  EXPECT_THAT(notes(), HasSubstr("around it: " + directory_ / "set/cat/deep/1.pgm"));
}

TEST_F(Folders, LinesOfATableWithoutFilesAreSaid) {
  source_.labels_path = directory_ / "labels.csv";
  directory_.write("labels.csv", "file,label\ncat/1.pgm,cat\ndog/1.pgm,dog\n");
  EXPECT_EQ(notes(), "");
  directory_.write("labels.csv", "cat/1.pgm,cat\ndog/1.pgm,dog\nnope.pgm,cat\n");
  EXPECT_THAT(notes(), HasSubstr("labels.csv: 1 of 3 lines name a file that is not in"));
  EXPECT_THAT(notes(), HasSubstr("line 3, nope.pgm"));
}

TEST_F(Folders, ATableMayBeOfSeveral) {
  add("../val/2.pgm");
  source_.labels_path = directory_ / "labels.csv";
  directory_.write("labels.csv", "cat/1.pgm,a\nset/dog/1.pgm,b\n2.pgm,a\nval/2.pgm,a\n");
  EXPECT_EQ(notes(), "");
  source_.path += "/";
  EXPECT_EQ(notes(), "");
  directory_.write("labels.csv", "cat/1.pgm,a\nset/dog/1.pgm,b\n2.pgm,a\nval/3.pgm,a\n");
  EXPECT_THAT(notes(), HasSubstr("1 of 4 lines name a file that is not in"));
  EXPECT_THAT(notes(), HasSubstr("nor in a folder beside it: line 4, val/3.pgm"));
  add("cat/9.jpg", "x");  // there, but no sample
  source_.type = "pnm";
  directory_.write("labels.csv", "cat/1.pgm,a\nset/dog/1.pgm,b\ncat/9.jpg,a\nset/cat/9.jpg,b\n");
  EXPECT_THAT(notes(), HasSubstr("2 of 4 lines name a file that is not in"));
  add("1.pgm");
  add("2.pgm");
  source_.path = directory_ / "set/[1].pgm";
  directory_.write("labels.csv", "1.pgm,a\n2.pgm,b\n3.pgm,b\n");
  source_.class_names = {"a", "b"};
  EXPECT_THAT(notes(), HasSubstr("1 of 3 lines name a file that is not in"));
}

TEST_F(Folders, LinksAreFollowedButNotInCircles) {
  add("../elsewhere/1.pgm");
  fs::create_directory_symlink(directory_.path() / "elsewhere", directory_.path() / "set" / "hen");
  fs::create_directory_symlink(directory_.path() / "set", directory_.path() / "set" / "cat" / "up");
  EXPECT_THAT(load(source_).class_names(), ElementsAre("cat", "dog", "hen"));
  fs::create_symlink("/nowhere", directory_.path() / "set" / "cat" / "2.pgm");
  expect_error(ExitCode::no_input, "set/cat/2.pgm: a link that leads nowhere",
               [&] { (void)load(source_); });
}

TEST(Paths, WhatExistsMeansItself) {
  const TemporaryDirectory directory;
  const auto at = [&](const std::string& name) { return directory / name; };
  fs::create_directories(at("at 10:30"));
  fs::create_directories(at("run[1]"));
  fs::create_directories(at("run1"));
  for (const char* name : {"at 10:30/part-1.csv", "at 10:30/part-2.csv", "data[1].h5", "data1.h5",
                           "run[1]/a.csv", "run1/b.csv", "data[2]-a.h5", "x.h5"}) {
    directory.write(name, "x");
  }
  const auto files = [](const std::string& path) { return named_files(path).files; };
  EXPECT_THAT(files(at("at 10:30/part-*.csv")),
              ElementsAre(at("at 10:30/part-1.csv"), at("at 10:30/part-2.csv")));
  EXPECT_THAT(files(at("data[1].h5")), ElementsAre(at("data[1].h5")));
  EXPECT_THAT(files(at("run[1]/*.csv")), ElementsAre(at("run[1]/a.csv")));
  EXPECT_THAT(files(at("data[2]-*.h5")), ElementsAre(at("data[2]-a.h5")));
  EXPECT_THAT(files(at("data[12].h5")), ElementsAre(at("data1.h5")));
  EXPECT_EQ(named_files(at("x.h5:a/b:c")).group, "a/b:c");
  EXPECT_EQ(named_files(at("data[1].h5:train")).group, "train");
  EXPECT_THAT(files(at("data[1].h5:train")), ElementsAre(at("data[1].h5")));
  // A folder has no groups, and what is missing is named as a whole.
  EXPECT_THAT(files(at("at 10:30/none.csv")), ElementsAre(at("at 10:30/none.csv")));
  expect_error(ExitCode::no_input, at("run[1]:none.csv") + ": expected a file or a pattern",
               [&] { (void)files(at("run[1]:none.csv")); });
}

}  // namespace
}  // namespace lockstep
