#include "lockstep/run/run_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <system_error>
#include <utility>

#include "lockstep/base/printable.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/run/run_files.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

/// So many runs of one name are a loop gone wild.
constexpr int kMaxRuns = 10'000;

[[noreturn]] void refuse(const std::string& what, const fs::path& path,
                         const std::error_code& why) {
  throw Error(ExitCode::cannot_create,
              fmt::format("cannot create {} {}: {}", what, path.string(), why.message()));
}

/// True if the directory was made, false if it was there.
bool make(const fs::path& path) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error) refuse("directory", path.parent_path(), error);
  const bool made = fs::create_directory(path, error);
  if (error) refuse("directory", path, error);
  return made;
}

/// LOCK and LOCK.N alone do not count: they are what an attempt leaves that failed before it wrote
/// anything.
void require_empty(const Directory& directory) {
  if (std::ranges::all_of(directory.names(), is_lock_file)) return;
  throw Error(ExitCode::cannot_create,
              fmt::format("run directory {} is not empty, nothing was overwritten\n"
                          "  to continue that run add: --resume auto      "
                          "to start another choose another --run-dir",
                          directory.path().string()));
}

/// Where a run of that name goes. A new directory is the caller's alone: mkdir succeeds only once.
fs::path choose(const std::string& name, bool resume) {
  for (int number = 1; number <= kMaxRuns; ++number) {
    const fs::path path =
        fs::path("runs") / (number == 1 ? name : fmt::format("{}-{}", name, number));
    // To resume, the latest of that name: the first that has no successor.
    const fs::path next = fs::path("runs") / fmt::format("{}-{}", name, number + 1);
    if (resume && fs::exists(next)) continue;
    if (make(path) || resume) return path;
  }
  throw Error(ExitCode::cannot_create,
              fmt::format("runs/{} and {} more of that name are taken; choose another run.name, or "
                          "--run-dir",
                          name, kMaxRuns - 1));
}

}  // namespace

fs::path choose_run_directory(const std::string& requested, const std::string& name, bool resume) {
  if (requested.empty()) return choose(name, resume);
  fs::path path = fs::path(requested).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "runs/a/"
  make(path);
  return path;
}

RunDirectory RunDirectory::create(const std::string& requested, const std::string& name,
                                  bool resume) {
  Directory place(choose_run_directory(requested, name, resume));
  const bool must_be_empty = !requested.empty() && !resume;
  if (must_be_empty) require_empty(place);
  DirectoryLock lock(place);
  if (must_be_empty) require_empty(place);  // another process may have had the lock meanwhile
  return {std::move(place), std::move(lock)};
}

RunDirectory::RunDirectory(Directory place, DirectoryLock lock)
    : place_(std::move(place)),
      lock_(std::move(lock)),
      checkpoints_(place_.subdirectory(kCheckpointFolder)) {
  require_ownership();  // whoever had the lock before may have been moved away with its directory
  remove_stale_temporaries(place_);
  remove_stale_temporaries(checkpoints_);
}

void RunDirectory::require_ownership() const {
  lock_.require();
  const std::string fate = checkpoints_.fate();
  if (fate.empty()) return;
  throw Error(ExitCode::cannot_create, Directory::lost(checkpoints_.path(), fate));
}

void RunDirectory::write_text(const std::string& name, std::string_view text) const {
  require_ownership();
  write_atomically(place_, name, {std::as_bytes(std::span(text))});
}

void RunDirectory::status(std::string_view word, std::optional<ExitCode> code,
                          std::string_view reason) const {
  std::string line(word);
  if (code) line += fmt::format(" {}", static_cast<int>(*code));
  if (!reason.empty()) line += fmt::format(" {}", printable(reason.substr(0, reason.find('\n'))));
  write_text(kStatusFile, line + "\n");
}

void RunDirectory::link(const std::string& name, const std::string& target) const {
  require_ownership();
  const std::string temporary = std::string(kTemporaryPrefix) + name;
  checkpoints_.remove(temporary);
  checkpoints_.make_link(target, temporary);
  checkpoints_.rename(temporary, name);
}

}  // namespace lockstep
