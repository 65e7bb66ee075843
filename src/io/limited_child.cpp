#include "lockstep/io/limited_child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <new>
#include <span>

#include "io/descriptor.hpp"
#include "io/system_error.hpp"
#include "lockstep/base/clock.hpp"

namespace lockstep {
namespace {

constexpr int kRefused = 65;  // exit code of a child that hands back a message
constexpr int kPipe = 3;      // the only descriptor of a child beside the standard ones
constexpr std::size_t kLongestMessage = 4096;

/// Bytes of address space that this process has.
Index address_space() {
  Index pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<Index>(::sysconf(_SC_PAGESIZE));
}

void limit(decltype(RLIMIT_AS) what, Index soft, Index hard) {
  const rlimit value{static_cast<rlim_t>(soft), static_cast<rlim_t>(hard)};
  if (::setrlimit(what, &value) != 0) ::_exit(127);
}

/// What a child can do is settled here, before it looks at the file.
void confine(int pipe, pid_t parent, Index memory, const ChildLimits& limits) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It crashes as the system has it, so that its end can be told.
  for (const int crash : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::signal(crash, SIG_DFL);
  if (::getppid() != parent) ::_exit(127);
  ::dup2(pipe, kPipe);
  const int nothing = ::open("/dev/null", O_RDWR);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::dup2(nothing, standard);
  }
  ::close_range(kPipe + 1, ~0U, 0);
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_FSIZE, 0, 0);
  limit(RLIMIT_NOFILE, kPipe + 1, kPipe + 1);
  limit(RLIMIT_NPROC, 0, 0);
  limit(RLIMIT_CPU, limits.processor_seconds, limits.processor_seconds + 1);
  limit(RLIMIT_AS, memory, memory);
}

void write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(kPipe, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) ::_exit(127);  // nobody listens
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

[[noreturn]] void refuse(std::string_view message) {
  write_all(std::as_bytes(std::span(message)));
  ::_exit(kRefused);
}

/// The life of a child. It leaves without destructors: those of a library that met a damaged file
/// can crash.
[[noreturn]] void live(const std::string& label, const ChildLimits& limits,
                       const std::function<std::vector<std::byte>()>& work) {
  // Said when there may be no memory left to say it.
  const std::string too_large = fmt::format("{}: reading it takes more than {} MiB of memory",
                                            label, limits.memory_bytes >> 20);
  try {
    write_all(work());
    ::_exit(0);
  } catch (const std::bad_alloc&) {
    refuse(too_large);
  } catch (const std::exception& error) {
    refuse(error.what());
  }
}

/// A child process that does not outlive its owner.
class Child {
 public:
  // By its number: the header of pidfd_open is for C alone in some versions of glibc.
  explicit Child(pid_t pid)
      : pid_(pid), end_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (ended_) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  }

  [[nodiscard]] bool ended() {
    ended_ = ended_ || ::waitpid(pid_, &status_, WNOHANG) == pid_;
    return ended_;
  }
  [[nodiscard]] int status() const { return status_; }
  /// Readable once it has ended.
  [[nodiscard]] int end() const { return end_.get(); }

 private:
  pid_t pid_;
  Descriptor end_;
  bool ended_ = false;
  int status_ = 0;
};

/// What may be printed of a message from a child that a file may have taken over.
std::string harmless(std::span<const std::byte> bytes) {
  std::string text(reinterpret_cast<const char*>(bytes.data()),
                   std::min(bytes.size(), kLongestMessage));
  std::ranges::replace_if(
      text, [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; }, '?');
  return text;
}

/// Reads all that a child writes until it ends.
/// Errors: Error(bad_data) at a limit.
std::vector<std::byte> listen(Child& child, int pipe, const std::string& label,
                              const ChildLimits& limits) {
  const double end = now_seconds() + limits.wall_seconds;
  std::vector<std::byte> result;
  std::array<std::byte, 65536> block;
  bool open = true;
  while (open || !child.ended()) {
    const double left = end - now_seconds();
    if (left <= 0) {
      throw Error(
          ExitCode::bad_data,
          fmt::format("{}: reading it did not end within {} s: the file is damaged, or made "
                      "to hang its reader",
                      label, limits.wall_seconds));
    }
    // Its pipe is closed an instant before it ends.
    pollfd event{open ? pipe : child.end(), POLLIN, 0};
    if (::poll(&event, 1, static_cast<int>(std::ceil(left * 1000))) <= 0 || !open) continue;
    const ssize_t count = ::read(pipe, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    open = count > 0;
    if (open) result.insert(result.end(), block.begin(), block.begin() + count);
    if (static_cast<Index>(result.size()) > limits.memory_bytes) {
      throw Error(ExitCode::bad_data, fmt::format("{}: holds more than {} MiB of numbers", label,
                                                  limits.memory_bytes >> 20));
    }
  }
  return result;
}

std::string end_of(int status, const ChildLimits& limits) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
    return fmt::format(
        "reading it took more than {} s of a processor: the file is damaged, or "
        "made to hang its reader",
        limits.processor_seconds);
  }
  const std::string how = WIFSIGNALED(status) ? fmt::format("signal {}, {}", WTERMSIG(status),
                                                            ::strsignal(WTERMSIG(status)))
                                              : fmt::format("exit code {}", WEXITSTATUS(status));
  return fmt::format(
      "the process that read it crashed ({}): the file is damaged, or made to crash "
      "its reader",
      how);
}

}  // namespace

ChildLimits limits_of_reading(Index file_bytes) {
  const Index seconds = 10 + (file_bytes >> 22);
  return {.memory_bytes = 16 * file_bytes + (Index{1} << 30),
          .processor_seconds = seconds,
          .wall_seconds = 6.0 * static_cast<double>(seconds)};
}

std::vector<std::byte> run_limited(const std::string& label, const ChildLimits& limits,
                                   const std::function<std::vector<std::byte>()>& work) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw system_error(ExitCode::system, "make a pipe to read", label, errno);
  }
  const Descriptor out(ends[0]);
  Descriptor in(ends[1]);
  ::signal(SIGCHLD, SIG_DFL);  // an inherited "ignore" would keep its end from being told
  const pid_t parent = ::getpid();
  const Index memory = address_space() + limits.memory_bytes;
  const pid_t pid = ::fork();
  if (pid < 0) throw system_error(ExitCode::system, "start a process to read", label, errno);
  if (pid == 0) {
    confine(in.get(), parent, memory, limits);
    live(label, limits, work);
  }
  static_cast<void>(in.close());
  Child child(pid);
  if (child.end() < 0) throw system_error(ExitCode::system, "watch the reader of", label, errno);
  std::vector<std::byte> result = listen(child, out.get(), label, limits);
  const int status = child.status();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return result;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kRefused) {
    throw Error(ExitCode::bad_data, harmless(result));
  }
  throw Error(ExitCode::bad_data, fmt::format("{}: {}", label, end_of(status, limits)));
}

}  // namespace lockstep
