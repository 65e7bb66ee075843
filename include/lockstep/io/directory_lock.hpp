#pragma once

#include <memory>
#include <string_view>

#include "lockstep/io/directory.hpp"

namespace lockstep {

/// How a directory is locked; times in seconds.
struct LockOptions {
  double wait = 10;       ///< for a holder that is about to end
  double beat = 4;        ///< between two signs of life, and looks for other starts
  double stale = 20;      ///< without such a sign, the holder of a lease counts as dead
  bool use_flock = true;  ///< false: as on a file system that refuses locks
};

/// Makes one process the only writer of a directory.
///
/// File LOCK, which names host and process, is held by an exclusive flock for the life of the
/// object: the kernel releases it however the process ends. Besides, each start creates LOCK.N, one
/// number higher than any before, exclusively; the highest is the only writer, and whoever finds a
/// higher one than its own, or no longer its own file, stops (`require`), as does one whose
/// directory is no longer where its path leads. The directory itself is locked, too, where it can
/// be: LOCK may be deleted under its holder. Where the file system refuses flock, LOCK.N is a
/// lease: its holder touches it every `beat`, and another may start only if it was given back or is
/// older than `stale` by the clock of the file system.
class DirectoryLock {
 public:
  /// Waits for a holder that is about to end; for that of a lease which shows no sign of life,
  /// until it is stale.
  /// Errors: cannot_create, naming host and process of the holder, if the directory stays busy, or
  /// if the files cannot be created.
  explicit DirectoryLock(const Directory& directory, const LockOptions& options = {});
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();

  /// To be called before writing.
  /// Errors: cannot_create, naming the other process, if one has taken the directory since, which
  /// it may if this one was taken for dead or its files were deleted, or if the path of the
  /// directory leads elsewhere by now; io if that cannot be seen.
  void require() const;
  /// Whether that was so at the last beat. Costs nothing.
  [[nodiscard]] bool seen_taken() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// True for the names of the files above.
[[nodiscard]] bool is_lock_file(std::string_view name);

}  // namespace lockstep
