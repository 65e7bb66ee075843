#include "lockstep/io/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "io/descriptor.hpp"
#include "io/system_error.hpp"

namespace lockstep {
namespace {

ExitCode code_for(int error_number) {
  return error_number == EACCES || error_number == EPERM ? ExitCode::no_permission
                                                         : ExitCode::no_input;
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

/// The size of the open file, after checking that it is a regular one.
Index regular_size(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw system_error(code_for(errno), "read", path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ExitCode::bad_data, fmt::format("{}: expected a regular file, found {}",
                                                path.string(), kind_of(status.st_mode)));
  }
  return static_cast<Index>(status.st_size);
}

// Without O_NONBLOCK, opening a pipe would wait for its writer.
Descriptor open_for_reading(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) throw system_error(code_for(errno), "open", path, errno);
  return file;
}

void fill(int descriptor, std::span<std::byte> bytes, const std::filesystem::path& path) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(descriptor, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error(code_for(errno), "read", path, errno);
    if (count == 0) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: expected {} bytes, found {}: the file shrank", path.string(),
                              bytes.size(), done));
    }
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& path, Index size_limit) {
  const Descriptor file = open_for_reading(path);
  const Index size = regular_size(file.get(), path);
  if (size > size_limit) {
    throw Error(ExitCode::bad_data, fmt::format("{}: expected at most {} bytes, found {}",
                                                path.string(), size_limit, size));
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  fill(file.get(), bytes, path);
  return bytes;
}

Index look_into_file(const std::filesystem::path& path, std::span<std::byte> head) {
  const Descriptor file = open_for_reading(path);
  const Index size = regular_size(file.get(), path);
  fill(file.get(), head.first(std::min(head.size(), static_cast<std::size_t>(size))), path);
  return size;
}

bool holds_exactly(const std::filesystem::path& path, FileParts parts,
                   const PieceDone& piece_done) {
  constexpr std::size_t kBlock = std::size_t{1} << 20;
  const Descriptor file = open_for_reading(path);
  Index size = 0;
  for (const auto& part : parts) size += static_cast<Index>(part.size());
  if (regular_size(file.get(), path) != size) return false;
  std::vector<std::byte> block(kBlock);
  for (std::span<const std::byte> part : parts) {
    while (!part.empty()) {
      const auto expected = part.first(std::min(kBlock, part.size()));
      const auto found = std::span(block).first(expected.size());
      fill(file.get(), found, path);
      if (std::memcmp(found.data(), expected.data(), found.size()) != 0) return false;
      part = part.subspan(expected.size());
      piece_done();
    }
  }
  return true;
}

std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  // A range-based for would throw what is no Error.
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw system_error(ExitCode::io, "list", directory, error.value());
  }
  return names;
}

bool file_exists(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
}

}  // namespace lockstep
