#include "cli/launch/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "lockstep/base/clock.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep::cli {
namespace {

/// mpirun gives its ranks about two seconds.
constexpr double kSecondsToEnd = 15;
/// How long a wait lasts when nothing happens; a child's end cuts it short.
constexpr double kTick = 1;

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
  const ChildOutput& output;
};

/// In the child, where only calls that are safe after fork are allowed.
[[noreturn]] void become(const Birth& birth) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != birth.parent) ::_exit(1);
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
  ::signal(SIGUSR1, SIG_IGN);
  ::sigprocmask(SIG_SETMASK, &birth.mask, nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(birth.output.out, STDOUT_FILENO);
  ::dup2(birth.output.err, STDERR_FILENO);
  ::execv(birth.arguments[0], birth.arguments.data());
  ::_exit(127);
}

int wait_for(pid_t child, StopSignals& signals, double limit) {
  const double end = now_seconds() + limit;
  int status = 0;
  double deadline = 0;
  while (::waitpid(child, &status, WNOHANG) != child) {
    const bool told = deadline != 0;
    if (!told && (signals.received() != 0 || now_seconds() > end)) {
      ::kill(child, SIGTERM);
      deadline = now_seconds() + kSecondsToEnd;
    }
    if (told && now_seconds() > deadline) ::kill(-child, SIGKILL);
    signals.next(kTick);
  }
  return exit_code(status);
}

bool can_be_run(const std::string& path) {
  // A directory can be "executed" too.
  return ::access(path.c_str(), X_OK) == 0 && ::access((path + "/").c_str(), F_OK) != 0;
}

}  // namespace

StopSignals::StopSignals(std::vector<int> stop, const std::vector<int>& also)
    : stop_(std::move(stop)) {
  // An inherited "ignore" would keep the end of a child from being told.
  ::signal(SIGCHLD, SIG_DFL);
  sigemptyset(&held_);
  sigaddset(&held_, SIGCHLD);
  for (const int signal : stop_) sigaddset(&held_, signal);
  for (const int signal : also) sigaddset(&held_, signal);
  ::sigprocmask(SIG_BLOCK, &held_, &before_);
}

StopSignals::~StopSignals() {
  // One that comes after the work is done has nothing to stop.
  const timespec at_once{};
  while (::sigtimedwait(&held_, nullptr, &at_once) > 0) continue;
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int StopSignals::received() {
  sigset_t stop;
  sigemptyset(&stop);
  for (const int signal : stop_) sigaddset(&stop, signal);
  const timespec at_once{};
  const int signal = ::sigtimedwait(&stop, nullptr, &at_once);
  if (signal > 0 && received_ == 0) received_ = signal;
  return received_;
}

int StopSignals::next(double seconds) {
  timespec time{};
  time.tv_sec = static_cast<time_t>(seconds);
  time.tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9);
  const int signal = std::max(::sigtimedwait(&held_, nullptr, &time), 0);
  const bool stops = std::ranges::find(stop_, signal) != stop_.end();
  if (stops && received_ == 0) received_ = signal;
  return signal;
}

pid_t start_child(const std::vector<std::string>& arguments, const StopSignals& signals,
                  const ChildOutput& output) {
  Birth birth{
      .arguments = {}, .mask = signals.mask_before(), .parent = ::getpid(), .output = output};
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
  return child;
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

ChildResult run_child(const std::vector<std::string>& arguments, StopSignals& signals,
                      double limit) {
  const Capture out("out");
  const Capture err("err");
  const pid_t child = start_child(arguments, signals, {out.descriptor(), err.descriptor()});
  const int code = wait_for(child, signals, limit);
  return {.code = code, .out = out.text(), .err = err.text()};
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

std::vector<pid_t> living_children(pid_t of) {
  std::vector<pid_t> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    std::ifstream file(entry.path() / "stat");
    std::string stat;
    std::getline(file, stat);
    // "PID (NAME) STATE PARENT ...", where NAME may hold anything.
    std::istringstream after_name(stat.substr(std::min(stat.rfind(')') + 1, stat.size())));
    char state = 0;
    pid_t parent = 0;
    if (after_name >> state >> parent && parent == of && state != 'Z') found.push_back(pid);
  }
  return found;
}

void kill_children() {
  // A child of one that was killed becomes ours, so it may take several rounds.
  for (int round = 0; ::waitpid(-1, nullptr, round == 0 ? WNOHANG : 0) >= 0 || errno == EINTR;
       ++round) {
    for (const pid_t child : living_children(::getpid())) ::kill(child, SIGKILL);
  }
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
