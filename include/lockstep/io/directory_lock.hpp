#pragma once

#include <filesystem>

namespace lockstep {

/// Makes one process the only writer of a directory: an exclusive flock on its file LOCK, which
/// names host and process, held for the life of the object. The kernel releases it however the
/// process ends.
class DirectoryLock {
 public:
  /// Waits up to `wait_seconds` for a holder that is about to end.
  /// Errors: cannot_create, naming host and process of the holder, if the directory stays busy, if
  /// LOCK cannot be created, or if the file system has no locks.
  explicit DirectoryLock(const std::filesystem::path& directory, double wait_seconds = 10.0);
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();

 private:
  int descriptor_ = -1;
};

}  // namespace lockstep
