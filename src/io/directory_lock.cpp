#include "lockstep/io/directory_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "io/descriptor.hpp"
#include "io/system_error.hpp"
#include "lockstep/base/clock.hpp"

namespace lockstep {
namespace {

constexpr std::chrono::milliseconds kRetryInterval{50};

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

}  // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& directory, double wait_seconds) {
  const std::filesystem::path path = directory / "LOCK";
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!file.valid()) throw system_error(ExitCode::cannot_create, "create", path, errno);
  const double deadline = now_seconds() + wait_seconds;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) throw system_error(ExitCode::cannot_create, "lock", path, errno);
    if (now_seconds() >= deadline) {
      throw Error(ExitCode::cannot_create,
                  fmt::format("{} is in use by {}; waited {:.1f} s. Stop it, or choose another "
                              "directory",
                              directory.string(), holder(file.get()), wait_seconds));
    }
    std::this_thread::sleep_for(kRetryInterval);
  }
  sign(file.get());
  descriptor_ = file.release();
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) ::close(descriptor_);  // LOCK stays: removing it would race with a waiter
}

}  // namespace lockstep
