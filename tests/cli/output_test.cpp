#include "cli/output.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <sstream>
#include <string>

#include "lockstep/base/error.hpp"

namespace lockstep::cli {
namespace {

class OutputTest : public testing::Test {
 protected:
  OutputTest() {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0);
    ::fcntl(ends_[1], F_SETPIPE_SZ, 4096);
  }
  ~OutputTest() override {
    stop_reading();
    ::close(ends_[1]);
  }
  void stop_reading() {
    if (ends_[0] >= 0) ::close(ends_[0]);
    ends_[0] = -1;
  }
  /// What is in the pipe.
  std::string read_all() {
    std::string text;
    std::array<char, 65536> block{};
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    for (ssize_t count = 0; (count = ::read(ends_[0], block.data(), block.size())) > 0;) {
      text.append(block.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

  std::array<int, 2> ends_{};
};

TEST_F(OutputTest, WritesWhenFlushed) {
  OutputBuffer buffer(ends_[1]);
  std::ostream out(&buffer);
  out << "a" << 1 << '\n';
  EXPECT_EQ(read_all(), "");
  out << std::flush;
  EXPECT_EQ(read_all(), "a1\n");
}

TEST_F(OutputTest, AReaderThatDoesNotReadHoldsNobodyUp) {
  OutputBuffer buffer(ends_[1]);
  std::ostream out(&buffer);
  never_wait(out);
  std::string written;
  for (int line = 0; line < 4000; ++line) {
    const std::string text = "line " + std::to_string(line) + std::string(40, '.') + "\n";
    written += text;
    out << text << std::flush;
  }
  ASSERT_TRUE(out);
  EXPECT_TRUE(is_behind(out));
  // It reads again: nothing was lost.
  std::string seen;
  while (seen.size() < written.size()) {
    const std::string more = read_all();
    ASSERT_FALSE(more.empty() && !is_behind(out));
    seen += more;
    out.flush();
  }
  EXPECT_TRUE(seen == written);
  EXPECT_FALSE(is_behind(out));
}

TEST_F(OutputTest, WhatIsTooMuchToKeepIsLeftOutAndTold) {
  OutputBuffer buffer(ends_[1]);
  std::ostream out(&buffer);
  never_wait(out);
  const std::string line = std::string(1023, 'x') + "\n";
  const std::size_t lines = 2 * OutputBuffer::kMostKept / line.size();
  for (std::size_t i = 0; i < lines; ++i) out << line << std::flush;
  out << "\r a bar that is redrawn" << std::flush;
  std::string seen;
  for (std::string more = read_all(); !more.empty() || is_behind(out); more = read_all()) {
    seen += more;
    out.flush();
  }
  const auto shown = static_cast<std::size_t>(std::ranges::count(seen, '\n')) - 1;
  EXPECT_GE(shown * line.size(), OutputBuffer::kMostKept - line.size());
  EXPECT_TRUE(seen.ends_with("\ntrainer: warning: " + std::to_string(lines - shown) +
                             " lines were not shown, for nobody read them\n"))
      << seen.substr(seen.size() - 100);
}

TEST_F(OutputTest, AReaderThatHasLeftIsNoFullDisk) {
  OutputBuffer buffer(ends_[1]);
  std::ostream out(&buffer);
  stop_reading();
  try {
    write_or_leave(out, "text");
    FAIL() << "nobody was there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::ok);
    EXPECT_STREQ(error.what(), "");
  }
  EXPECT_EQ(failure_of(out), EPIPE);
}

TEST_F(OutputTest, AFullDiskIsNamed) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  {
    OutputBuffer buffer(full);
    std::ostream out(&buffer);
    EXPECT_THROW(write_or_leave(out, "text"), Error);
    EXPECT_EQ(failure_of(out), ENOSPC);
  }
  ::close(full);
}

// Whoever shares a terminal may have made it so.
TEST_F(OutputTest, ADescriptorThatDoesNotBlockIsWaitedFor) {
  ::fcntl(ends_[1], F_SETFL, O_NONBLOCK);
  const pid_t reader = ::fork();
  if (reader == 0) {
    ::close(ends_[1]);
    std::array<char, 1000> block{};
    ssize_t all = 0;
    for (ssize_t count = 0; (count = ::read(ends_[0], block.data(), block.size())) > 0;) {
      all += count;
    }
    ::_exit(all == 100'000 ? 0 : 1);
  }
  {
    OutputBuffer buffer(ends_[1]);
    std::ostream out(&buffer);
    out << std::string(100'000, 'x') << std::flush;
    EXPECT_TRUE(out);
  }
  ::close(ends_[1]);
  int status = 0;
  ::waitpid(reader, &status, 0);
  EXPECT_EQ(status, 0);
  ends_[1] = ::dup(ends_[0]);
}

TEST(PrintableBufferTest, NothingIsObeyedAndNoCharacterIsCut) {
  std::ostringstream sink;
  {
    PrintableBuffer buffer(sink);
    std::ostream out(&buffer);
    out << "a\x1b[2J\tb\n\xE6\x97" << std::flush;
    EXPECT_EQ(sink.str(), "a\\x1b[2J\tb\n");
    out << '\xA5' << std::flush;
    EXPECT_EQ(sink.str(), "a\\x1b[2J\tb\n日");
    out << '\xC3';
  }
  EXPECT_EQ(sink.str(), "a\\x1b[2J\tb\n日\\xc3");
}

}  // namespace
}  // namespace lockstep::cli
