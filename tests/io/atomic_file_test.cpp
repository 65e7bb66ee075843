#include "lockstep/io/atomic_file.hpp"

#include <sys/resource.h>

#include <csignal>

#include "io/testing.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {
namespace {

std::size_t entries_of(const std::filesystem::path& directory) {
  const std::filesystem::directory_iterator begin(directory);
  return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

/// Limits the size of written files for its life; the process must not die of SIGXFSZ.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST(AtomicFile, CreatesAndReplaces) {
  const TemporaryDirectory directory;
  const std::string path = directory / "file";
  write_atomically(path, bytes_of("first"));
  EXPECT_EQ(text_of(read_file(path)), "first");
  const std::string large(20'000'000, 'y');
  write_atomically(path, bytes_of(large));
  EXPECT_EQ(text_of(read_file(path)), large);
  write_atomically(path, {});
  EXPECT_TRUE(read_file(path).empty());
  EXPECT_EQ(entries_of(directory.path()), 1u);
}

TEST(AtomicFile, TellsHowItGetsOn) {
  const TemporaryDirectory scratch;
  const Directory directory(scratch.path());
  const std::string large(30'000'000, 'y');
  const auto parts = {std::as_bytes(std::span(large)), std::as_bytes(std::span(large).first(5))};
  int written = 0;
  write_atomically(directory, "file", parts, [&] { ++written; });
  EXPECT_GE(written, 5) << "pieces of some megabytes, and the second part";
  EXPECT_EQ(text_of(read_file(directory, "file")), large + large.substr(0, 5));
  int read = 0;
  EXPECT_TRUE(holds_exactly(directory, "file", parts, [&] { ++read; }));
  EXPECT_GE(read, 5);
}

TEST(AtomicFile, IsReadBackByteByByte) {
  const TemporaryDirectory scratch;
  const Directory directory(scratch.path());
  const std::string text(3'000'000, 'y');
  scratch.write("file", text);
  const auto holds = [&](const std::string& first, const std::string& second) {
    return holds_exactly(directory, "file",
                         {std::as_bytes(std::span(first)), std::as_bytes(std::span(second))});
  };
  EXPECT_TRUE(holds(text, ""));
  EXPECT_TRUE(holds(text.substr(1), "y"));
  EXPECT_FALSE(holds(text, "y"));
  EXPECT_FALSE(holds(text.substr(1), ""));
  EXPECT_FALSE(holds(text.substr(1), "z"));
  EXPECT_FALSE(holds("z" + text.substr(1), ""));
  std::string middle = text;
  middle[text.size() / 2] = 'z';
  EXPECT_FALSE(holds(middle, ""));
}

TEST(AtomicFile, KeepsTheOldFileWhenTheDiskIsFull) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("file", "old");
  const std::vector<std::byte> bytes(100'000);
  {
    const FileSizeLimit limit(65'536);
    expect_error(ExitCode::io, "cannot write " + path + ": File too large",
                 [&] { write_atomically(path, bytes); });
  }
  EXPECT_EQ(text_of(read_file(path)), "old");
  EXPECT_EQ(entries_of(directory.path()), 1u) << "the temporary must be gone";
  write_atomically(path, bytes);
  EXPECT_EQ(read_file(path), bytes);
}

TEST(AtomicFile, NamesADirectoryThatIsGone) {
  const TemporaryDirectory directory;
  const std::string path = directory / "gone/file";
  expect_error(ExitCode::cannot_create, "gone/file: No such file or directory",
               [&] { write_atomically(path, {}); });
}

TEST(AtomicFile, DoesNotReplaceADirectory) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "taken");
  expect_error(ExitCode::io, "cannot replace", [&] { write_atomically(directory / "taken", {}); });
  EXPECT_EQ(entries_of(directory.path()), 1u);
}

TEST(AtomicFile, RemovesStaleTemporariesOnly) {
  const TemporaryDirectory directory;
  directory.write(std::string(kTemporaryPrefix) + "0123", "half");
  const std::string kept = directory.write("step-1.h5", "whole");
  remove_stale_temporaries(Directory(directory.path()));
  EXPECT_EQ(entries_of(directory.path()), 1u);
  EXPECT_TRUE(file_exists(kept));
}

}  // namespace
}  // namespace lockstep
