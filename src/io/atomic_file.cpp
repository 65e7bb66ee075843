#include "lockstep/io/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string>

#include "io/descriptor.hpp"
#include "io/system_error.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {
namespace {

/// Enough to keep the disk busy, small enough that a signal's EINTR never repeats much.
constexpr std::size_t kChunkBytes = std::size_t{8} << 20;
/// Written, but perhaps not on the disk yet.
constexpr off_t kBacklogBytes = off_t{64} << 20;

std::string random_temporary_name() {
  std::random_device device;
  return fmt::format("{}{:08x}{:08x}", kTemporaryPrefix, device(), device());
}

/// A new, empty file in an open directory. Removed again unless it was renamed to its final name.
class TemporaryFile {
 public:
  TemporaryFile(int directory, const std::filesystem::path& path)
      : directory_(directory),
        path_(path),
        name_(random_temporary_name()),
        file_(::openat(directory, name_.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666)) {
    if (!file_.valid()) throw system_error(ExitCode::cannot_create, "create", path_, errno);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!renamed_) ::unlinkat(directory_, name_.c_str(), 0);
  }

  void write(std::span<const std::byte> bytes, const PieceDone& piece_done) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(file_.get(), bytes.data(), std::min(bytes.size(), kChunkBytes));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("write", errno);
      if (count == 0) fail("write", EIO);  // no progress and no reason: never spin
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      flush_behind(count);
      piece_done();
    }
  }

  void publish() {
    if (::fsync(file_.get()) != 0) fail("flush", errno);
    if (file_.close() != 0) fail("close", errno);
    if (::renameat(directory_, name_.c_str(), directory_, path_.filename().c_str()) != 0) {
      fail("replace", errno);
    }
    renamed_ = true;
  }

 private:
  // The disk writes what is there while the next bytes are copied: half as fast again as one flush
  // at the end. However slow it is, that flush has little left to do, so that pieces tell how it
  // gets on. What fails is told by that flush.
  void flush_behind(ssize_t count) {
#if defined(SYNC_FILE_RANGE_WRITE)
    static_cast<void>(::sync_file_range(file_.get(), written_, count, SYNC_FILE_RANGE_WRITE));
    if (const off_t end = written_ + count - kBacklogBytes; end > 0) {
      constexpr unsigned kWait =
          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
      static_cast<void>(::sync_file_range(file_.get(), flushed_, end - flushed_, kWait));
      flushed_ = end;
    }
#endif
    written_ += count;
  }

  [[noreturn]] void fail(const char* action, int error_number) const {
    throw system_error(ExitCode::io, action, path_, error_number);
  }

  int directory_;
  const std::filesystem::path& path_;
  std::string name_;
  Descriptor file_;
  off_t written_ = 0;
  off_t flushed_ = 0;
  bool renamed_ = false;
};

std::filesystem::path directory_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

int open_directory(const std::filesystem::path& directory) {
  return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void write_in(int directory, const std::filesystem::path& path, FileParts parts,
              const PieceDone& piece_done) {
  TemporaryFile file(directory, path);
  for (const auto& part : parts) file.write(part, piece_done);
  file.publish();
  // Only now does the new name survive a power cut.
  if (::fsync(directory) != 0) {
    throw system_error(ExitCode::io, "flush the directory of", path, errno);
  }
}

}  // namespace

void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  write_atomically(path, {bytes});
}

void write_atomically(const std::filesystem::path& path, FileParts parts) {
  const Descriptor directory(open_directory(directory_of(path)));
  if (!directory.valid()) throw system_error(ExitCode::cannot_create, "create", path, errno);
  write_in(directory.get(), path, parts, [] {});
}

void write_atomically(const Directory& directory, const std::string& name, FileParts parts,
                      const PieceDone& piece_done) {
  write_in(directory.descriptor(), directory.path() / name, parts, piece_done);
}

void remove_stale_temporaries(const Directory& directory) {
  for (const std::string& name : directory.names()) {
    if (name.starts_with(kTemporaryPrefix)) directory.remove(name);
  }
}

}  // namespace lockstep
