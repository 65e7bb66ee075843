#include "lockstep/io/directory_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "io/descriptor.hpp"
#include "io/system_error.hpp"
#include "lockstep/base/blocked_signals.hpp"
#include "lockstep/base/clock.hpp"
#include "lockstep/base/printable.hpp"

namespace lockstep {
namespace {

constexpr std::chrono::milliseconds kRetryInterval{50};
constexpr std::string_view kName = "LOCK";
/// More starts than these there cannot have been: a file of such a number is no lock.
constexpr std::uint64_t kMostStarts = std::uint64_t{1} << 53;

/// What the holder wrote, in one line: "process 123 on host abc".
std::string holder(int descriptor) {
  std::array<char, 512> text{};
  const ssize_t count = ::pread(descriptor, text.data(), text.size(), 0);
  std::string_view name(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  name = name.substr(0, name.find('\n'));
  return name.empty() ? "another process" : printable(name);
}

/// Tells later processes who holds the lock. For people only, so a failure to write does no harm.
void sign(int descriptor) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {'?'};
  const std::string text = fmt::format("process {} on host {}\n", ::getpid(), host.data());
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return;
  }
}

/// Seconds since 1970 at which a file was touched last, by the clock of its file system.
double touched(int descriptor) {
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return 0;
  return static_cast<double>(info.st_mtim.tv_sec) +
         1e-9 * static_cast<double>(info.st_mtim.tv_nsec);
}

/// N of LOCK.N.
std::optional<std::uint64_t> number_of(std::string_view name) {
  if (!name.starts_with(kName)) return {};
  name.remove_prefix(kName.size());
  if (!name.starts_with('.')) return {};
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return {};
  if (number > kMostStarts) return {};
  return number;
}

std::string file_of(std::uint64_t number) { return fmt::format("{}.{}", kName, number); }

/// Of all starts so far; 0 if there was none.
/// Errors: io.
std::uint64_t highest(const Directory& directory) {
  std::uint64_t most = 0;
  for (const std::string& name : directory.names()) {
    most = std::max(most, number_of(name).value_or(0));
  }
  return most;
}

Error busy(const Directory& directory, const std::string& holder, double waited) {
  return {ExitCode::cannot_create,
          fmt::format("{} is in use by {}; waited {:.1f} s. Stop it, or choose another directory",
                      directory.path().string(), holder, waited)};
}

/// Without O_NONBLOCK, a pipe of that name would be waited for.
Descriptor open_in(const Directory& directory, const std::string& name, int flags) {
  return Descriptor(::openat(directory.descriptor(), name.c_str(),
                             flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666));
}

/// Opened anew each time, so that a network file system asks its server.
Descriptor open_number(const Directory& directory, std::uint64_t number) {
  return open_in(directory, file_of(number), O_RDONLY);
}

/// LOCK.
/// Errors: cannot_create, also if something else has its name.
Descriptor open_lock(const Directory& directory) {
  const std::string name(kName);
  Descriptor file = open_in(directory, name, O_RDWR | O_CREAT);
  if (!file.valid()) {
    throw system_error(ExitCode::cannot_create, "create", directory.path() / name, errno);
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    throw Error(ExitCode::cannot_create, fmt::format("{} is no regular file; move it away",
                                                     (directory.path() / name).string()));
  }
  return file;
}

}  // namespace

struct DirectoryLock::State {
  State(const Directory& which, const LockOptions& lock_options)
      : directory(which), options(lock_options), lock(open_lock(directory)) {
    if (options.use_flock && take_flock()) {
      sign(lock.get());
      const double deadline = now_seconds() + options.wait;
      while (!take_number(highest(directory) + 1)) {
        if (now_seconds() >= deadline) throw busy(directory, holder(lock.get()), options.wait);
        std::this_thread::sleep_for(kRetryInterval);
      }
    } else {
      take_lease();
    }
    remove_older();
    // Also for those who are refused locks that this process was given.
    const BlockedSignals blocked;
    thread = std::thread([this] { beat(); });
  }

  ~State() {
    if (thread.joinable()) {
      {
        const std::scoped_lock guard(mutex);
        done = true;
      }
      changed.notify_all();
      thread.join();
    }
    // Given back: no later lease need wait. LOCK stays, for removing it would race with a waiter,
    // and LOCK.N stays, for the next number must be higher.
    constexpr std::array<timespec, 2> kLongAgo{};
    ::futimens(mine->get(), kLongAgo.data());
  }

  /// False if the file system has no locks.
  bool take_flock() {
    const double deadline = now_seconds() + options.wait;
    // Some file systems lock files, but no directories.
    static_cast<void>(take_flock_of(directory.descriptor(), deadline));
    const int reason = take_flock_of(lock.get(), deadline);
    if (reason == ENOLCK || reason == EOPNOTSUPP || reason == ENOSYS) return false;
    if (reason != 0) {
      throw system_error(ExitCode::cannot_create, "lock", directory.path() / kName, reason);
    }
    return true;
  }

  /// 0, or the errno of a lock that is not to be had.
  int take_flock_of(int descriptor, double deadline) {
    while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      if (reason == EINTR) continue;
      if (reason != EWOULDBLOCK) return reason;
      if (now_seconds() >= deadline) throw busy(directory, holder(lock.get()), options.wait);
      std::this_thread::sleep_for(kRetryInterval);
    }
    return 0;
  }

  /// False if another process was faster.
  bool take_number(std::uint64_t next) {
    const std::string name = file_of(next);
    Descriptor file = open_in(directory, name, O_RDWR | O_CREAT | O_EXCL);
    if (!file.valid()) {
      if (errno == EEXIST) return false;
      throw system_error(ExitCode::cannot_create, "create", directory.path() / name, errno);
    }
    sign(file.get());
    if (highest(directory) > next) {  // others have started and removed this number meanwhile
      directory.remove(name);
      return false;
    }
    number = next;
    mine.emplace(std::move(file));
    return true;
  }

  void remove_older() const {
    for (const std::string& name : directory.names()) {
      const auto old = number_of(name);
      // One that stays does no harm.
      if (old && *old < number) ::unlinkat(directory.descriptor(), name.c_str(), 0);
    }
  }

  void take_lease() {
    const double start = now_seconds();
    std::uint64_t watched = 0;
    double first_touch = 0;
    while (true) {
      const std::uint64_t last = highest(directory);
      const Descriptor file = open_number(directory, last);
      const double touch = file.valid() ? touched(file.get()) : 0;
      ::futimens(lock.get(), nullptr);  // so that LOCK tells what time the file system has
      if (touched(lock.get()) - touch >= options.stale) {
        if (take_number(last + 1)) return;
        std::this_thread::sleep_for(kRetryInterval);
        continue;
      }
      if (last != watched) {
        watched = last;
        first_touch = touch;
      }
      // A holder without a sign of life may be dead: that is known when its lease is stale by the
      // file system's clock, which may lag behind ours and is given as long again.
      const double waited = now_seconds() - start;
      const bool lives = touch != first_touch || waited >= options.wait + 2 * options.stale;
      if (waited >= options.wait && lives) throw busy(directory, holder(file.get()), waited);
      std::this_thread::sleep_for(kRetryInterval);
    }
  }

  // A thread of its own: it shows that this process lives, and sees whether another was started.
  void beat() {
    std::unique_lock guard(mutex);
    const std::chrono::duration<double> interval(options.beat);
    while (!changed.wait_for(guard, interval, [this] { return done; })) {
      ::futimens(mine->get(), nullptr);
      try {
        seen_taken = !loss().empty();
      } catch (const Error&) {  // not to be seen this time
      }
    }
  }

  /// How the directory was lost, in a sentence; empty if it is still ours.
  /// Errors: io.
  [[nodiscard]] std::string loss() const {
    const std::string path = directory.path().string();
    if (const std::string fate = directory.fate(); !fate.empty())
      return Directory::lost(path, fate);
    const std::uint64_t last = highest(directory);
    if (last == number && is_mine()) return {};
    if (last <= number) {
      return fmt::format(
          "{} was deleted or replaced, by which this run has lost {}: it writes "
          "nothing more",
          (directory.path() / file_of(number)).string(), path);
    }
    const Descriptor file = open_number(directory, last);
    return fmt::format(
        "{} was taken over by {}, for which this run was dead: it writes nothing "
        "more",
        path, holder(file.get()));
  }

  /// Whether the file that has this start's number is the one that it made.
  [[nodiscard]] bool is_mine() const {
    struct stat made {};
    struct stat found {};
    return ::fstat(mine->get(), &made) == 0 &&
           ::fstatat(directory.descriptor(), file_of(number).c_str(), &found,
                     AT_SYMLINK_NOFOLLOW) == 0 &&
           made.st_dev == found.st_dev && made.st_ino == found.st_ino;
  }

  Directory directory;
  LockOptions options;
  Descriptor lock;
  std::uint64_t number = 0;
  std::optional<Descriptor> mine;  ///< LOCK.N
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::atomic<bool> seen_taken = false;
  std::thread thread;  ///< of `beat`
};

DirectoryLock::DirectoryLock(const Directory& directory, const LockOptions& options)
    : state_(std::make_unique<State>(directory, options)) {}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept = default;
DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept = default;
DirectoryLock::~DirectoryLock() = default;

void DirectoryLock::require() const {
  const std::string loss = state_->loss();
  if (!loss.empty()) throw Error(ExitCode::cannot_create, loss);
}

bool DirectoryLock::seen_taken() const { return state_->seen_taken; }

bool is_lock_file(std::string_view name) { return name == kName || number_of(name).has_value(); }

}  // namespace lockstep
