#include "lockstep/io/limited_child.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <new>

#include "io/testing.hpp"
#include "lockstep/base/clock.hpp"

// malloc may fail, as without AddressSanitizer.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

namespace lockstep {
namespace {

constexpr ChildLimits kLimits{
    .memory_bytes = Index{64} << 20, .processor_seconds = 1, .wall_seconds = 30};

/// Runs it and expects a refusal, and that no child is left.
void expect_refusal(std::string_view fragment, const std::function<std::vector<std::byte>()>& work,
                    const ChildLimits& limits = kLimits) {
  expect_error(ExitCode::bad_data, fragment, [&] { (void)run_limited("file", limits, work); });
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

/// Work that does nothing for ever.
std::vector<std::byte> sleep_for_ever() {
  while (true) ::pause();
}

TEST(LimitedChild, HandsBackWhatItsWorkReturned) {
  std::vector<std::byte> bytes(3'000'001);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i % 251);
  EXPECT_EQ(run_limited("file", kLimits, [&] { return bytes; }), bytes);
  EXPECT_TRUE(run_limited("file", kLimits, [] { return std::vector<std::byte>(); }).empty());
}

TEST(LimitedChild, HandsBackTheMessageOfAnError) {
  expect_refusal("file: /x: expected something else", []() -> std::vector<std::byte> {
    throw Error(ExitCode::internal, "file: /x: expected something else");
  });
  expect_refusal("clear ?[2J\nscreen", []() -> std::vector<std::byte> {
    throw std::runtime_error("clear \x1b[2J\nscreen");
  });
}

TEST(LimitedChild, ACrashIsAMessage) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGKILL}) {
    expect_refusal("file: the process that read it crashed (signal " + std::to_string(signal),
                   [signal]() -> std::vector<std::byte> {
                     ::signal(signal, SIG_DFL);
                     ::raise(signal);
                     return {};
                   });
  }
  expect_refusal("crashed (exit code 3)", []() -> std::vector<std::byte> { ::_exit(3); });
}

TEST(LimitedChild, ABusyLoopEndsAtTheLimitOfTheProcessor) {
  expect_refusal("file: reading it took more than 1 s of a processor",
                 []() -> std::vector<std::byte> {
                   volatile unsigned work = 0;
                   while (true) work = work + 1;
                 });
}

TEST(LimitedChild, ASleepEndsAtTheLimitOfTheClock) {
  ChildLimits limits = kLimits;
  limits.wall_seconds = 0.3;
  const double begin = now_seconds();
  expect_refusal("file: reading it did not end within 0.3 s", sleep_for_ever, limits);
  // Nor does it help to close the pipe, or to be stopped.
  expect_refusal(
      "did not end within 0.3 s",
      [] {
        ::close(3);
        return sleep_for_ever();
      },
      limits);
  expect_refusal(
      "did not end within 0.3 s",
      [] {
        ::raise(SIGSTOP);
        return sleep_for_ever();
      },
      limits);
  EXPECT_GE(now_seconds() - begin, 0.9);
}

TEST(LimitedChild, MemoryIsLimited) {
  expect_refusal("file: reading it takes more than 64 MiB of memory", [] {
    // Not `new`, after whose failure AddressSanitizer ends the process; volatile, or it is left
    // out.
    void* volatile memory = std::malloc(std::size_t{128} << 20);
    if (memory == nullptr) throw std::bad_alloc();
    std::free(memory);
    return std::vector<std::byte>();
  });
}

TEST(LimitedChild, SoIsItsResult) {
  expect_refusal("file: holds more than 8 MiB of numbers",
                 [] {
                   const std::vector<std::byte> block(std::size_t{1} << 16);
                   while (true) static_cast<void>(::write(3, block.data(), block.size()));
                   return block;
                 },
                 {.memory_bytes = Index{8} << 20, .processor_seconds = 20, .wall_seconds = 60});
}

TEST(LimitedChild, ItHasNoFiles) {
  const TemporaryDirectory directory;
  const std::string secret = directory.write("secret", "x");
  const int opened = ::open(secret.c_str(), O_RDWR);
  const int inherited = ::fcntl(opened, F_DUPFD, 10);  // its own pipe is 3
  ASSERT_GE(inherited, 10);
  const auto answer = run_limited("file", kLimits, [&] {
    std::string found;
    if (::open(secret.c_str(), O_RDONLY) >= 0) found += "opens a file; ";
    if (::open((directory / "new").c_str(), O_WRONLY | O_CREAT, 0600) >= 0) found += "makes one; ";
    if (::fcntl(inherited, F_GETFD) >= 0) found += "has an open one; ";
    return bytes_of(found);
  });
  EXPECT_EQ(text_of(answer), "");
  EXPECT_FALSE(std::filesystem::exists(directory / "new"));
  ::close(opened);
  ::close(inherited);
}

TEST(LimitedChild, DiesWithItsParent) {
  auto* const grandchild = static_cast<volatile pid_t*>(
      ::mmap(nullptr, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t parent = ::fork();
  if (parent == 0) {
    static_cast<void>(run_limited("file", kLimits, [&] {
      *grandchild = ::getpid();
      return sleep_for_ever();
    }));
    ::_exit(0);
  }
  const double end = now_seconds() + 20;
  while (*grandchild == 0 && now_seconds() < end) ::usleep(1000);
  ASSERT_NE(*grandchild, 0);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  int status = 0;
  pid_t reaped = 0;
  while ((reaped = ::waitpid(*grandchild, &status, WNOHANG)) == 0 && now_seconds() < end) {
    ::usleep(1000);
  }
  if (reaped == 0) ::kill(*grandchild, SIGKILL);
  EXPECT_EQ(reaped, *grandchild);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

}  // namespace
}  // namespace lockstep
