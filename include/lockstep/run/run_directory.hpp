#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "lockstep/base/error.hpp"
#include "lockstep/io/directory.hpp"
#include "lockstep/io/directory_lock.hpp"

namespace lockstep {

/// The directory of a run as `RunDirectory::create` takes it, made if it is missing. Errors:
/// cannot_create.
[[nodiscard]] std::filesystem::path choose_run_directory(const std::string& requested,
                                                         const std::string& name, bool resume);

/// The one directory that a run writes to, locked against other writers for life. All is written
/// through its descriptor: what has come to its path since, such as another run, is not touched.
/// Rank 0 only.
///
///     runs/mnist-cnn/
///       STATUS                      what `status` wrote
///       checkpoints/                step-00000470.h5 ..., latest.h5 -> ..., best.h5 -> ...
class RunDirectory {
 public:
  /// Takes the directory of a run, made if it is missing.
  /// `requested` empty: runs/NAME; if that is taken, runs/NAME-2, runs/NAME-3, ..., but to resume
  /// the latest of these. `requested` given: that one; unless to resume, it must be empty.
  /// Errors: cannot_create if it has content, cannot be made, or another process writes to it, or
  /// if `checkpoints` is a link.
  [[nodiscard]] static RunDirectory create(const std::string& requested, const std::string& name,
                                           bool resume);

  [[nodiscard]] const Directory& place() const { return place_; }
  [[nodiscard]] const std::filesystem::path& path() const { return place_.path(); }
  [[nodiscard]] const Directory& checkpoints() const { return checkpoints_; }

  /// To be called before a checkpoint is written; the members below do so themselves. Errors:
  /// cannot_create if another process has taken the directory since, or if its path or that of
  /// `checkpoints` leads elsewhere; io if that cannot be seen.
  void require_ownership() const;
  /// Whether one has, as far as was seen in the last seconds. Costs nothing.
  [[nodiscard]] bool seen_taken() const { return lock_.seen_taken(); }

  /// Replaces the file `name` atomically.
  /// Errors: cannot_create or io.
  void write_text(const std::string& name, std::string_view text) const;

  /// Replaces STATUS, one line: "running", or a word, the exit code and the reason, as in
  /// "preempted 75 signal USR1".
  /// Errors: cannot_create or io.
  void status(std::string_view word, std::optional<ExitCode> code = std::nullopt,
              std::string_view reason = {}) const;

  /// Makes checkpoints/NAME a relative link to checkpoints/TARGET, swapped by rename.
  /// Errors: cannot_create.
  void link(const std::string& name, const std::string& target) const;

 private:
  RunDirectory(Directory place, DirectoryLock lock);

  Directory place_;
  DirectoryLock lock_;
  Directory checkpoints_;
};

}  // namespace lockstep
