#include "lockstep/io/appended_file.hpp"

#include <sys/stat.h>

#include "io/testing.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

class AppendedFileTest : public testing::Test {
 protected:
  [[nodiscard]] AppendedFile open() const {
    return AppendedFile(Directory(directory_.path()), "log");
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    return text_of(read_file(directory_ / name));
  }

  TemporaryDirectory directory_;
};

TEST_F(AppendedFileTest, Grows) {
  directory_.write("log", "a\nhalf");
  AppendedFile file = open();
  file.drop_unfinished_line();
  EXPECT_EQ(file.append("b\n").error, 0);
  EXPECT_EQ(content("log"), "a\nb\n");
}

TEST_F(AppendedFileTest, IsNeverAnothersFile) {
  directory_.write("theirs", "theirs\n");
  fs::create_symlink("theirs", directory_ / "log");
  expect_error(ExitCode::cannot_create, "log is a symbolic link", [&] { (void)open(); });
  fs::remove(directory_ / "log");
  fs::create_symlink("nowhere", directory_ / "log");
  expect_error(ExitCode::cannot_create, "log is a symbolic link", [&] { (void)open(); });
  EXPECT_FALSE(fs::exists(directory_ / "nowhere"));
  fs::remove(directory_ / "log");
  ASSERT_EQ(::mkfifo((directory_ / "log").c_str(), 0600), 0);
  expect_error(ExitCode::cannot_create, "log is no regular file", [&] { (void)open(); });
  EXPECT_EQ(content("theirs"), "theirs\n");
}

// As of a directory that was copied by `cp -al`.
TEST_F(AppendedFileTest, AHardLinkBecomesACopy) {
  directory_.write("theirs", "a\nhalf");
  fs::create_hard_link(directory_ / "theirs", directory_ / "log");
  AppendedFile file = open();
  file.drop_unfinished_line();
  EXPECT_EQ(file.append("b\n").error, 0);
  EXPECT_EQ(content("log"), "a\nb\n");
  EXPECT_EQ(content("theirs"), "a\nhalf");
}

}  // namespace
}  // namespace lockstep
