#include "lockstep/io/directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>

#include "io/descriptor.hpp"
#include "io/system_error.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

/// The path by which the kernel knows an open directory.
std::string whereabouts(int descriptor) {
  std::error_code ignored;
  return fs::read_symlink(fmt::format("/proc/self/fd/{}", descriptor), ignored).string();
}

bool leads_to(const fs::path& path, const struct stat& there) {
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) {
    return found.st_dev == there.st_dev && found.st_ino == there.st_ino;
  }
  if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ESTALE) return false;
  throw system_error(ExitCode::io, "look at", path, errno);
}

}  // namespace

class Directory::Handle : public Descriptor {
 public:
  using Descriptor::Descriptor;
};

Directory::Directory(fs::path path, int descriptor)
    : path_(std::move(path)), handle_(std::make_shared<const Handle>(descriptor)) {
  if (!handle_->valid()) throw system_error(ExitCode::cannot_create, "open", path_, errno);
}

Directory::Directory(fs::path path) : Directory(path, ::open(path.c_str(), kFlags)) {}

int Directory::descriptor() const { return handle_->get(); }

Directory Directory::subdirectory(const std::string& name) const {
  const fs::path path = path_ / name;
  if (::mkdirat(descriptor(), name.c_str(), 0777) != 0 && errno != EEXIST) {
    throw system_error(ExitCode::cannot_create, "create", path, errno);
  }
  if (link_target(name)) {
    throw Error(ExitCode::cannot_create,
                fmt::format("{} is a symbolic link, which may lead into the directory of another "
                            "run\n  put a directory in its place, or let --run-dir lead to where "
                            "there is room for all of the run",
                            path.string()));
  }
  return {path, ::openat(descriptor(), name.c_str(), kFlags | O_NOFOLLOW)};
}

std::string Directory::fate() const {
  constexpr std::string_view kDeleted = " (deleted)";
  struct stat mine {};
  if (::fstat(descriptor(), &mine) != 0) {
    if (errno == ESTALE) return "was deleted";
    throw system_error(ExitCode::io, "look at", path_, errno);
  }
  if (leads_to(path_, mine)) return {};
  const std::string now = whereabouts(descriptor());
  if (mine.st_nlink == 0 || now.ends_with(kDeleted)) return "was deleted";
  if (!now.empty() && leads_to(now, mine)) return "is now " + now;
  return "was replaced, or its file system unmounted";
}

std::string Directory::lost(const fs::path& path, const std::string& fate) {
  return fmt::format(
      "{} no longer leads to the directory of this run, which {}: this run writes "
      "nothing more",
      path.string(), fate);
}

std::vector<std::string> Directory::names() const {
  const auto fail = [this] { throw system_error(ExitCode::io, "list", path_, errno); };
  // Opened anew: a copy of the descriptor would share its position with other lists.
  Descriptor again(::openat(descriptor(), ".", kFlags));
  DIR* const list = again.valid() ? ::fdopendir(again.get()) : nullptr;
  if (list == nullptr) fail();
  static_cast<void>(again.release());
  const std::unique_ptr<DIR, int (*)(DIR*)> owner(list, ::closedir);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(list);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) fail();
  return names;
}

bool Directory::holds(const std::string& name) const {
  struct stat ignored {};
  return ::fstatat(descriptor(), name.c_str(), &ignored, AT_SYMLINK_NOFOLLOW) == 0;
}

std::optional<std::string> Directory::link_target(const std::string& name) const {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlinkat(descriptor(), name.c_str(), target.data(), target.size());
  if (length < 0) return {};
  return std::string(target.data(), static_cast<std::size_t>(length));
}

void Directory::remove(const std::string& name) const {
  if (::unlinkat(descriptor(), name.c_str(), 0) == 0 || errno == ENOENT) return;
  throw system_error(ExitCode::io, "remove", path_ / name, errno);
}

void Directory::rename(const std::string& from, const std::string& to) const {
  if (::renameat(descriptor(), from.c_str(), descriptor(), to.c_str()) == 0) return;
  throw system_error(ExitCode::cannot_create, "rename", path_ / from, errno);
}

void Directory::make_link(const std::string& target, const std::string& name) const {
  if (::symlinkat(target.c_str(), descriptor(), name.c_str()) == 0) return;
  throw system_error(ExitCode::cannot_create, "link", path_ / name, errno);
}

}  // namespace lockstep
