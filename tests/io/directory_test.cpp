#include "lockstep/io/directory.hpp"

#include <algorithm>

#include "io/testing.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

TEST(Directory, NamesWhatIsInIt) {
  const TemporaryDirectory scratch;
  const Directory directory(scratch.path());
  EXPECT_TRUE(directory.names().empty());
  scratch.write("a", "x");
  directory.make_link("nowhere", "link");
  for (int time = 0; time < 2; ++time) {
    std::vector<std::string> names = directory.names();
    std::ranges::sort(names);
    EXPECT_EQ(names, (std::vector<std::string>{"a", "link"}));
  }
  EXPECT_TRUE(directory.holds("link"));
  EXPECT_EQ(directory.link_target("link"), "nowhere");
  EXPECT_EQ(directory.link_target("a"), std::nullopt);
  directory.remove("link");
  directory.remove("link");
  EXPECT_FALSE(directory.holds("link"));
}

TEST(Directory, MustBeThere) {
  const TemporaryDirectory scratch;
  expect_error(ExitCode::cannot_create, "none: No such file",
               [&] { Directory directory(scratch / "none"); });
  scratch.write("file", "x");
  expect_error(ExitCode::cannot_create, "file: Not a directory",
               [&] { Directory directory(scratch / "file"); });
}

/// Another directory at the path of one that is open.
class DirectoryMoved : public testing::Test {
 protected:
  DirectoryMoved() {
    fs::create_directory(here());
    directory_.emplace(here());
  }
  [[nodiscard]] fs::path here() const { return scratch_ / "run"; }

  TemporaryDirectory scratch_;
  std::optional<Directory> directory_;
};

TEST_F(DirectoryMoved, WhatIsWrittenGoesWhereItWasOpened) {
  EXPECT_EQ(directory_->fate(), "");
  fs::rename(here(), scratch_ / "old");
  fs::create_directory(here());
  scratch_.write("run/mine", "theirs");
  EXPECT_EQ(directory_->fate(), "is now " + (scratch_ / "old"));
  const std::string text = "ours";
  write_atomically(*directory_, "mine", {std::as_bytes(std::span(text))});
  EXPECT_EQ(text_of(read_file(scratch_ / "run/mine")), "theirs");
  EXPECT_EQ(text_of(read_file(scratch_ / "old/mine")), "ours");
  EXPECT_EQ(text_of(read_file(*directory_, "mine")), "ours");
  directory_->remove("mine");
  EXPECT_TRUE(fs::exists(scratch_ / "run/mine"));
  EXPECT_TRUE(directory_->names().empty());
}

TEST_F(DirectoryMoved, ALinkToItIsAsGoodAsItself) {
  fs::rename(here(), scratch_ / "old");
  fs::create_directory_symlink(scratch_ / "old", here());
  EXPECT_EQ(directory_->fate(), "");
  fs::remove(here());
  fs::create_directory(scratch_ / "other");
  fs::create_directory_symlink(scratch_ / "other", here());
  EXPECT_EQ(directory_->fate(), "is now " + (scratch_ / "old"));
}

TEST_F(DirectoryMoved, DeletedIsDeleted) {
  fs::remove(here());
  EXPECT_EQ(directory_->fate(), "was deleted");
  fs::create_directory(here());
  EXPECT_EQ(directory_->fate(), "was deleted");
  expect_error(ExitCode::cannot_create, "run/x", [&] { write_atomically(*directory_, "x", {}); });
  EXPECT_TRUE(fs::is_empty(here()));
}

TEST_F(DirectoryMoved, SubdirectoriesAreMadeButLinksAreNotFollowed) {
  EXPECT_EQ(directory_->subdirectory("checkpoints").path(), here() / "checkpoints");
  EXPECT_EQ(directory_->subdirectory("checkpoints").fate(), "");
  fs::create_directory(scratch_ / "theirs");
  directory_->make_link("../theirs", "linked");
  expect_error(ExitCode::cannot_create, "run/linked is a symbolic link",
               [&] { (void)directory_->subdirectory("linked"); });
}

}  // namespace
}  // namespace lockstep
