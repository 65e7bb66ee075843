#include "cli/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <sstream>
#include <system_error>

#include "lockstep/base/clock.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep::cli {
namespace {

/// mpirun gives its ranks about two seconds.
constexpr double kSecondsToEnd = 15;
/// How long a wait lasts when nothing happens; a child's end cuts it short.
constexpr double kTick = 1;

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

/// A file without a name for what a child writes.
class Capture {
 public:
  explicit Capture(const char* name) : descriptor_(::memfd_create(name, MFD_CLOEXEC)) {}
  ~Capture() { ::close(descriptor_); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::string text() const {
    std::string text;
    std::array<char, 4096> block{};
    ssize_t count = 0;
    while ((count = ::pread(descriptor_, block.data(), block.size(),
                            static_cast<off_t>(text.size()))) > 0) {
      text.append(block.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  int descriptor_;
};

/// What the child has from birth.
struct Birth {
  std::vector<char*> arguments;
  const sigset_t& mask;
  pid_t parent;
  int out;
  int err;
};

/// In the child, where only calls that are safe after fork are allowed.
[[noreturn]] void become(const Birth& birth) {
  // A group of its own: Ctrl-C at the terminal reaches the parent alone, which tells the child.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != birth.parent) ::_exit(1);
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &birth.mask, nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(birth.out, STDOUT_FILENO);
  ::dup2(birth.err, STDERR_FILENO);
  ::execv(birth.arguments[0], birth.arguments.data());
  ::_exit(127);
}

int wait_for(pid_t child, StopSignals& signals) {
  int status = 0;
  double deadline = 0;
  while (::waitpid(child, &status, WNOHANG) != child) {
    const bool told = deadline != 0;
    if (!told && signals.received() != 0) {
      ::kill(child, SIGTERM);
      deadline = now_seconds() + kSecondsToEnd;
    }
    if (told && now_seconds() > deadline) ::kill(-child, SIGKILL);
    signals.wait(kTick);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool can_be_run(const std::string& path) {
  // A directory can be "executed" too.
  return ::access(path.c_str(), X_OK) == 0 && ::access((path + "/").c_str(), F_OK) != 0;
}

}  // namespace

StopSignals::StopSignals() {
  // An inherited "ignore" would keep the end of a child from being told.
  ::signal(SIGCHLD, SIG_DFL);
  const sigset_t held = set_of({SIGINT, SIGTERM, SIGCHLD});
  ::sigprocmask(SIG_BLOCK, &held, &before_);
}

StopSignals::~StopSignals() {
  // One that comes after the work is done has nothing to stop.
  const sigset_t held = set_of({SIGINT, SIGTERM, SIGCHLD});
  const timespec at_once{};
  while (::sigtimedwait(&held, nullptr, &at_once) > 0) continue;
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int StopSignals::received() {
  const sigset_t stop = set_of({SIGINT, SIGTERM});
  const timespec at_once{};
  const int signal = ::sigtimedwait(&stop, nullptr, &at_once);
  if (signal > 0 && received_ == 0) received_ = signal;
  return received_;
}

void StopSignals::wait(double seconds) {
  const sigset_t held = set_of({SIGINT, SIGTERM, SIGCHLD});
  timespec time{};
  time.tv_sec = static_cast<time_t>(seconds);
  time.tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9);
  const int signal = ::sigtimedwait(&held, nullptr, &time);
  const bool stops = signal == SIGINT || signal == SIGTERM;
  if (stops && received_ == 0) received_ = signal;
}

ChildResult run_child(const std::vector<std::string>& arguments, StopSignals& signals) {
  const Capture out("out");
  const Capture err("err");
  Birth birth{.arguments = {},
              .mask = signals.mask_before(),
              .parent = ::getpid(),
              .out = out.descriptor(),
              .err = err.descriptor()};
  for (const std::string& argument : arguments) {
    birth.arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  birth.arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) {
    throw Error(ExitCode::system, fmt::format("cannot start {}: {}", arguments[0],
                                              std::generic_category().message(errno)));
  }
  if (child == 0) become(birth);
  const int code = wait_for(child, signals);
  return {.code = code, .out = out.text(), .err = err.text()};
}

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return can_be_run(name) ? name : std::string();
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/bin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string file = (folder.empty() ? "." : folder) + "/" + name;
    if (can_be_run(file)) return file;
  }
  return {};
}

}  // namespace lockstep::cli
