#include "lockstep/io/file.hpp"

#include <sys/stat.h>

#include "io/testing.hpp"

namespace lockstep {
namespace {

TEST(File, ReadsTheWholeContent) {
  const TemporaryDirectory directory;
  std::string content(100'000, 'x');
  content[99'999] = '\0';
  EXPECT_EQ(text_of(read_file(directory.write("a", content))), content);
  EXPECT_TRUE(read_file(directory.write("empty", "")).empty());
}

TEST(File, RefusesWhatIsNoRegularFile) {
  const TemporaryDirectory directory;
  const std::string pipe = directory / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_error(ExitCode::bad_data, "found a pipe", [&] { (void)read_file(pipe); });
  expect_error(ExitCode::bad_data, "found a directory", [&] { (void)read_file(directory.path()); });
  expect_error(ExitCode::bad_data, "found a device", [] { (void)read_file("/dev/zero"); });
}

TEST(File, NamesMissingAndOversizedFiles) {
  const TemporaryDirectory directory;
  expect_error(ExitCode::no_input, "none: No such file",
               [&] { (void)read_file(directory / "none"); });
  const std::string path = directory.write("a", "12345");
  expect_error(ExitCode::bad_data, "at most 4 bytes, found 5", [&] { (void)read_file(path, 4); });
  EXPECT_EQ(read_file(path, 5).size(), 5u);
}

TEST(File, SaysThatPermissionIsMissing) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TemporaryDirectory directory;
  const std::string path = directory.write("secret", "x");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  expect_error(ExitCode::no_permission, "secret", [&] { (void)read_file(path); });
}

TEST(File, ExistsAlsoAsBrokenLink) {
  const TemporaryDirectory directory;
  EXPECT_FALSE(file_exists(directory / "link"));
  std::filesystem::create_symlink("nowhere", directory / "link");
  EXPECT_TRUE(file_exists(directory / "link"));
  EXPECT_TRUE(file_exists(directory.path()));
}

}  // namespace
}  // namespace lockstep
