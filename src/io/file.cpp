#include "lockstep/io/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <new>
#include <string>

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
constexpr int kReading = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

Descriptor open_for_reading(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), kReading));
  if (!file.valid()) throw system_error(code_for(errno), "open", path, errno);
  return file;
}

Descriptor open_for_reading(const Directory& directory, const std::string& name) {
  Descriptor file(::openat(directory.descriptor(), name.c_str(), kReading));
  if (!file.valid()) throw system_error(code_for(errno), "open", directory.path() / name, errno);
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

/// Bytes that a process may take before others suffer; the largest number if nobody tells.
Index available_memory() {
  std::ifstream lines("/proc/meminfo");
  for (std::string line; std::getline(lines, line);) {
    Index kib = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %ld kB", &kib) == 1) return kib << 10;
  }
  return std::numeric_limits<Index>::max();
}

}  // namespace

bool fits_into_memory(Index bytes) {
  constexpr Index kLarge = Index{1} << 30;
  return bytes <= kLarge || bytes <= std::min(kMaxFileBytes, available_memory());
}

namespace {

/// Memory for a whole file.
/// Errors: Error(bad_data) before a large one takes what there is not.
std::vector<std::byte> memory_for(Index size, const std::filesystem::path& path) {
  const auto fail = [&] {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: its {} bytes do not fit into memory", path.string(), size));
  };
  if (!fits_into_memory(size)) fail();
  std::vector<std::byte> memory;
  try {
    memory.resize(static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
    fail();
  }
  return memory;
}

std::vector<std::byte> read_all(const Descriptor& file, const std::filesystem::path& path,
                                Index size_limit) {
  const Index size = regular_size(file.get(), path);
  if (size > size_limit) {
    throw Error(ExitCode::bad_data, fmt::format("{}: expected at most {} bytes, found {}",
                                                path.string(), size_limit, size));
  }
  std::vector<std::byte> bytes = memory_for(size, path);
  fill(file.get(), bytes, path);
  return bytes;
}

std::vector<std::byte> beginning_of(const Descriptor& file, const std::filesystem::path& path,
                                    Index count) {
  std::vector<std::byte> bytes = memory_for(std::min(regular_size(file.get(), path), count), path);
  fill(file.get(), bytes, path);
  return bytes;
}

Index look_at_end(const Descriptor& file, const std::filesystem::path& path,
                  std::span<std::byte> tail) {
  const Index size = regular_size(file.get(), path);
  const Index count = std::min(size, static_cast<Index>(tail.size()));
  if (::lseek(file.get(), size - count, SEEK_SET) < 0) {
    throw system_error(code_for(errno), "read", path, errno);
  }
  fill(file.get(), tail.first(static_cast<std::size_t>(count)), path);
  return size;
}

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& path, Index size_limit) {
  return read_all(open_for_reading(path), path, size_limit);
}

std::vector<std::byte> read_file(const Directory& directory, const std::string& name,
                                 Index size_limit) {
  return read_all(open_for_reading(directory, name), directory.path() / name, size_limit);
}

std::vector<std::byte> read_beginning(const std::filesystem::path& path, Index count) {
  return beginning_of(open_for_reading(path), path, count);
}

std::vector<std::byte> read_beginning(const Directory& directory, const std::string& name,
                                      Index count) {
  return beginning_of(open_for_reading(directory, name), directory.path() / name, count);
}

Index look_into_file(const std::filesystem::path& path, std::span<std::byte> head) {
  const Descriptor file = open_for_reading(path);
  const Index size = regular_size(file.get(), path);
  fill(file.get(), head.first(std::min(head.size(), static_cast<std::size_t>(size))), path);
  return size;
}

Index look_at_end_of_file(const std::filesystem::path& path, std::span<std::byte> tail) {
  return look_at_end(open_for_reading(path), path, tail);
}

Index look_at_end_of_file(const Directory& directory, const std::string& name,
                          std::span<std::byte> tail) {
  return look_at_end(open_for_reading(directory, name), directory.path() / name, tail);
}

bool holds_exactly(const Directory& directory, const std::string& name, FileParts parts,
                   const PieceDone& piece_done) {
  constexpr std::size_t kBlock = std::size_t{1} << 20;
  const std::filesystem::path path = directory.path() / name;
  const Descriptor file = open_for_reading(directory, name);
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

std::string where_from(const std::filesystem::path& path) {
  std::error_code unknown;
  const std::filesystem::path here = std::filesystem::current_path(unknown);
  if (path.is_absolute() || unknown) return "";
  return "\n  it is looked for from " + here.string() + ", where the program was started";
}

bool file_exists(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
}

}  // namespace lockstep
