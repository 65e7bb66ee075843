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
#include "lockstep/io/file.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kRetryInterval{50};
constexpr std::string_view kName = "LOCK";

/// What the holder wrote: "process 123 on host abc".
std::string holder(int descriptor) {
  std::array<char, 512> text{};
  const ssize_t count = ::pread(descriptor, text.data(), text.size(), 0);
  std::string name(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return name.empty() ? "another process" : name;
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
  return number;
}

fs::path file_of(const fs::path& directory, std::uint64_t number) {
  return directory / fmt::format("{}.{}", kName, number);
}

/// Of all starts so far; 0 if there was none. Errors: io.
std::uint64_t highest(const fs::path& directory) {
  std::uint64_t most = 0;
  for (const std::string& name : names_in(directory)) {
    most = std::max(most, number_of(name).value_or(0));
  }
  return most;
}

Error busy(const fs::path& directory, const std::string& holder, double waited) {
  return {ExitCode::cannot_create,
          fmt::format("{} is in use by {}; waited {:.1f} s. Stop it, or choose another directory",
                      directory.string(), holder, waited)};
}

/// Opened anew each time, so that a network file system asks its server.
Descriptor open_number(const fs::path& directory, std::uint64_t number) {
  return Descriptor(::open(file_of(directory, number).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace

struct DirectoryLock::State {
  State(const fs::path& path, const LockOptions& lock_options)
      : directory(path),
        options(lock_options),
        lock(::open((directory / kName).c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666)) {
    if (!lock.valid())
      throw system_error(ExitCode::cannot_create, "create", directory / kName, errno);
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
    while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      if (reason == EINTR) continue;
      if (reason == ENOLCK || reason == EOPNOTSUPP || reason == ENOSYS) return false;
      if (reason != EWOULDBLOCK) {
        throw system_error(ExitCode::cannot_create, "lock", directory / kName, reason);
      }
      if (now_seconds() >= deadline) throw busy(directory, holder(lock.get()), options.wait);
      std::this_thread::sleep_for(kRetryInterval);
    }
    return true;
  }

  /// False if another process was faster.
  bool take_number(std::uint64_t next) {
    const fs::path path = file_of(directory, next);
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (!file.valid()) {
      if (errno == EEXIST) return false;
      throw system_error(ExitCode::cannot_create, "create", path, errno);
    }
    sign(file.get());
    if (highest(directory) > next) {  // others have started and removed this number meanwhile
      ::unlink(path.c_str());
      return false;
    }
    number = next;
    mine.emplace(std::move(file));
    return true;
  }

  void remove_older() const {
    for (const std::string& name : names_in(directory)) {
      const auto old = number_of(name);
      std::error_code ignored;
      if (old && *old < number) fs::remove(directory / name, ignored);
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
        seen_taken = highest(directory) > number;
      } catch (const Error&) {  // not to be seen this time
      }
    }
  }

  fs::path directory;
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

DirectoryLock::DirectoryLock(const fs::path& directory, const LockOptions& options)
    : state_(std::make_unique<State>(directory, options)) {}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept = default;
DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept = default;
DirectoryLock::~DirectoryLock() = default;

void DirectoryLock::require() const {
  const std::uint64_t last = highest(state_->directory);
  if (last <= state_->number) return;
  const Descriptor file = open_number(state_->directory, last);
  throw Error(ExitCode::cannot_create,
              fmt::format("{} was taken over by {}, for which this run was dead: it writes nothing "
                          "more",
                          state_->directory.string(), holder(file.get())));
}

bool DirectoryLock::seen_taken() const { return state_->seen_taken; }

bool is_lock_file(const fs::path& name) {
  return name == kName || number_of(name.string()).has_value();
}

}  // namespace lockstep
