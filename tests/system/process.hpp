#pragma once

// Starts programs as a shell does and looks after what becomes of them.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace lockstep::system_test {

using Arguments = std::vector<std::string>;

inline double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline void sleep_seconds(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

/// Asks again and again until `condition()` holds; false if it does not within the time.
template <typename Condition>
bool wait_until(double seconds, const Condition& condition) {
  for (const double end = now_seconds() + seconds; !condition(); sleep_seconds(0.002)) {
    if (now_seconds() > end) return false;
  }
  return true;
}

/// All that can be read from a descriptor, from its start.
inline std::string content_of(int descriptor) {
  std::string text;
  char buffer[65536];
  ssize_t count = 0;
  while ((count = ::pread(descriptor, buffer, sizeof buffer, static_cast<off_t>(text.size()))) >
         0) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return text;
}

/// What to run: arguments[0] is the program. `environment` ("NAME=value") comes on top of ours.
struct Command {
  Arguments arguments;
  std::filesystem::path directory;
  Arguments environment;
};

/// How a program ended.
struct Outcome {
  int code = -1;  ///< exit code; 128 + signal, as a shell says it
  std::string out;
  std::string err;
  double seconds = 0;
  bool timed_out = false;  ///< and was killed for it
};

/// A running program in a process group of its own. The destructor kills the group.
class Process {
 public:
  explicit Process(const Command& command)
      : started_(now_seconds()),
        out_(::memfd_create("out", MFD_CLOEXEC)),
        err_(::memfd_create("err", MFD_CLOEXEC)) {
    std::vector<char*> arguments;
    for (const std::string& argument : command.arguments) {
      arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    Arguments variables = command.environment;
    for (char** inherited = environ; *inherited != nullptr; ++inherited) {
      const std::string_view name =
          std::string_view(*inherited)
              .substr(0, std::string_view(*inherited).find('=') + 1);  // with its "="
      const bool given = std::any_of(command.environment.begin(), command.environment.end(),
                                     [name](const auto& own) { return own.starts_with(name); });
      if (!given) variables.emplace_back(*inherited);
    }
    std::vector<char*> environment;
    for (std::string& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);

    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) execute(command.directory, arguments, environment);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (!status_) kill_group();
    ::close(out_);
    ::close(err_);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] double seconds() const { return now_seconds() - started_; }
  void send(int signal) const { ::kill(pid_, signal); }
  [[nodiscard]] std::string out() const { return content_of(out_); }
  [[nodiscard]] std::string err() const { return content_of(err_); }

  /// True once the program has ended.
  bool ended() {
    int status = 0;
    if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ = status;
      seconds_ = seconds();
    }
    return status_.has_value();
  }

  /// Waits for the end, at most so long, then kills.
  Outcome wait(double limit_seconds = 60) {
    Outcome outcome;
    outcome.timed_out = !wait_until(limit_seconds, [this] { return ended(); });
    if (outcome.timed_out) kill_group();
    outcome.code = WIFEXITED(*status_) ? WEXITSTATUS(*status_) : 128 + WTERMSIG(*status_);
    outcome.seconds = seconds_;
    outcome.out = content_of(out_);
    outcome.err = content_of(err_);
    return outcome;
  }

 private:
  [[noreturn]] void execute(const std::filesystem::path& directory,
                            const std::vector<char*>& arguments,
                            const std::vector<char*>& environment) const {
    ::setpgid(0, 0);
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(out_, STDOUT_FILENO);
    ::dup2(err_, STDERR_FILENO);
    if (directory.empty() || ::chdir(directory.c_str()) == 0) {
      ::execvpe(arguments[0], arguments.data(), environment.data());
    }
    ::_exit(127);
  }

  void kill_group() {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    status_ = status;
    seconds_ = seconds();
  }

  double started_;
  double seconds_ = 0;
  int out_;
  int err_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

inline Outcome run(const Command& command, double limit_seconds = 60) {
  return Process(command).wait(limit_seconds);
}

/// Processes of this user whose environment has exactly this "NAME=value", launchers and ranks
/// alike.
inline std::vector<pid_t> processes_with(std::string_view variable) {
  const std::string wanted = '\0' + std::string(variable) + '\0';
  std::vector<pid_t> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
      continue;
    const int file = ::open((entry.path() / "environ").c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    const std::string environment = '\0' + content_of(file);
    ::close(file);
    if (environment.find(wanted) != std::string::npos) found.push_back(std::stoi(name));
  }
  return found;
}

/// Whether a process runs this program.
inline bool runs(pid_t pid, const std::filesystem::path& program) {
  std::error_code error;
  const auto link = std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", error);
  return !error && link == std::filesystem::canonical(program, error);
}

}  // namespace lockstep::system_test
