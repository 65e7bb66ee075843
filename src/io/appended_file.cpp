#include "lockstep/io/appended_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "io/descriptor.hpp"
#include "io/system_error.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, std::string_view what) {
  throw Error(ExitCode::cannot_create,
              fmt::format("{} is {}: a run writes to files of its own directory only\n  move it "
                          "away, or choose another --run-dir",
                          path.string(), what));
}

/// Without O_NONBLOCK, opening a pipe could wait for its reader.
Descriptor open_own(const Directory& directory, const std::string& name) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  Descriptor file(::openat(directory.descriptor(), name.c_str(), kFlags, 0666));
  if (!file.valid()) {
    const std::filesystem::path path = directory.path() / name;
    if (errno == ELOOP) refuse(path, "a symbolic link");
    throw system_error(ExitCode::cannot_create, "open for writing", path, errno);
  }
  return file;
}

struct stat status_of(int descriptor) {
  struct stat status {};
  static_cast<void>(::fstat(descriptor, &status));
  return status;
}

/// The length of the file up to the end of its last finished line.
off_t finished_length(int descriptor) {
  const off_t size = status_of(descriptor).st_size;
  std::array<char, 4096> block{};
  off_t end = size;
  while (end > 0) {
    const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(block.size()));
    const ssize_t count =
        ::pread(descriptor, block.data(), static_cast<std::size_t>(end - begin), begin);
    if (count != end - begin) return size;  // unreadable: leave it alone
    const std::string_view text(block.data(), static_cast<std::size_t>(count));
    const std::size_t last = text.rfind('\n');
    if (last != std::string_view::npos) return begin + static_cast<off_t>(last) + 1;
    end = begin;
  }
  return 0;
}

}  // namespace

AppendedFile::AppendedFile(const Directory& directory, const std::string& name)
    : path_(directory.path() / name), descriptor_(-1) {
  Descriptor file = open_own(directory, name);
  const struct stat status = status_of(file.get());
  if (!S_ISREG(status.st_mode)) refuse(path_, "no regular file");
  if (status.st_nlink > 1) {
    write_atomically(directory, name, {read_file(directory, name)});
    descriptor_ = open_own(directory, name).release();
  } else {
    descriptor_ = file.release();
  }
}

AppendedFile::AppendedFile(AppendedFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

AppendedFile::~AppendedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void AppendedFile::drop_unfinished_line() {
  if (::ftruncate(descriptor_, finished_length(descriptor_)) == 0) return;
  throw system_error(ExitCode::cannot_create, "open for writing", path_, errno);
}

AppendedFile::Result AppendedFile::append(std::string_view text) {
  const off_t length = ::lseek(descriptor_, 0, SEEK_END);
  const ssize_t count = ::write(descriptor_, text.data(), text.size());
  if (count == static_cast<ssize_t>(text.size())) return {};
  const int error = count < 0 ? errno : ENOSPC;
  // Half a line would spoil the next one.
  return {error, count <= 0 || ::ftruncate(descriptor_, length) == 0};
}

}  // namespace lockstep
