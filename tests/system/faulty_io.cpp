// To be preloaded: a file system on which one call fails. FAULTY_IO is "CALL:NTH:WHAT:DIRECTORY":
// the NTH call (from 1) of that kind that concerns a file below DIRECTORY gets WHAT: a number of
// errno, "short" (half of a write), or "kill" (SIGKILL in place of the call). NTH may end in "+":
// that call and all later ones. CALL is openat, write, fsync, close, rename, unlink, symlink, or
// any of these; or readdir, of DIRECTORY or below. Without WHAT ("any:0::DIRECTORY") nothing fails,
// and every call is appended to the file that FAULTY_IO_LOG names, a line each.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

struct Order {
  std::string call;
  long nth = 0;
  bool and_later = false;
  std::string what;
  std::string directory;
  int log = -1;
};

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

Order read_order() {
  Order order;
  const char* text = std::getenv("FAULTY_IO");
  if (text == nullptr) return order;
  std::string rest = text;
  const auto field = [&rest] {
    const auto end = rest.find(':');
    std::string value = rest.substr(0, end);
    rest = end == std::string::npos ? "" : rest.substr(end + 1);
    return value;
  };
  order.call = field();
  const std::string nth = field();
  order.nth = std::strtol(nth.c_str(), nullptr, 10);
  order.and_later = nth.ends_with('+');
  order.what = field();
  order.directory = rest;
  if (const char* log = std::getenv("FAULTY_IO_LOG")) {
    order.log = next<int(const char*, int, ...)>("open")(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
  }
  return order;
}

const Order& order() {
  static const Order value = read_order();
  return value;
}

std::string path_of(int descriptor) {
  char target[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), target, sizeof target);
  return length < 0 ? "" : std::string(target, static_cast<std::size_t>(length));
}

std::string path_of(int directory, const char* name) {
  if (name[0] == '/') return name;
  if (directory == AT_FDCWD) {
    char here[PATH_MAX];
    return (::getcwd(here, sizeof here) == nullptr ? "" : std::string(here)) + "/" + name;
  }
  return path_of(directory) + "/" + name;
}

enum class Fate { go_on, fail, shorten };

/// What becomes of a call; for `fail`, errno is set.
Fate judge(const char* call, const std::string& path) {
  static std::atomic<long> calls{0};
  const int before = errno;
  const Order& o = order();
  if (o.directory.empty() || !path.starts_with(o.directory)) return Fate::go_on;
  const bool any = o.call == "any" && std::string_view(call) != "readdir";
  if (!any && o.call != call) return Fate::go_on;
  const long number = ++calls;
  if (o.log >= 0) {
    const std::string line = std::string(call) + " " + path + "\n";
    static auto* const write = next<ssize_t(int, const void*, std::size_t)>("write");
    write(o.log, line.data(), line.size());
  }
  errno = before;
  if (o.what.empty() || (o.and_later ? number < o.nth : number != o.nth)) return Fate::go_on;
  if (o.what == "short") return Fate::shorten;
  if (o.what == "kill") {
    ::kill(::getpid(), SIGKILL);
    ::pause();
  }
  errno = std::atoi(o.what.c_str());
  return Fate::fail;
}

mode_t mode_of(int flags, std::va_list more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
}

}  // namespace

extern "C" {

int openat(int directory, const char* name, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  if (judge("openat", path_of(directory, name)) == Fate::fail) return -1;
  static auto* const real = next<int(int, const char*, int, ...)>("openat");
  return real(directory, name, flags, mode);
}

int open(const char* name, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  if (judge("openat", path_of(AT_FDCWD, name)) == Fate::fail) return -1;
  static auto* const real = next<int(const char*, int, ...)>("open");
  return real(name, flags, mode);
}

ssize_t write(int file, const void* bytes, std::size_t count) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t)>("write");
  switch (judge("write", path_of(file))) {
    case Fate::fail:
      return -1;
    case Fate::shorten:
      return real(file, bytes, count / 2);
    case Fate::go_on:
      break;
  }
  return real(file, bytes, count);
}

int fsync(int file) {
  if (judge("fsync", path_of(file)) == Fate::fail) return -1;
  static auto* const real = next<int(int)>("fsync");
  return real(file);
}

int close(int file) {
  static auto* const real = next<int(int)>("close");
  const bool fails = judge("close", path_of(file)) == Fate::fail;
  const int error = errno;
  const int result = real(file);  // a close that fails has closed all the same
  if (!fails) return result;
  errno = error;
  return -1;
}

dirent* readdir(DIR* directory) {
  if (judge("readdir", path_of(::dirfd(directory))) == Fate::fail) return nullptr;
  static auto* const real = next<dirent*(DIR*)>("readdir");
  return real(directory);
}

dirent64* readdir64(DIR* directory) {
  if (judge("readdir", path_of(::dirfd(directory))) == Fate::fail) return nullptr;
  static auto* const real = next<dirent64*(DIR*)>("readdir64");
  return real(directory);
}

int rename(const char* from, const char* to) noexcept {
  if (judge("rename", path_of(AT_FDCWD, to)) == Fate::fail) return -1;
  static auto* const real = next<int(const char*, const char*)>("rename");
  return real(from, to);
}

int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept {
  if (judge("rename", path_of(to_directory, to)) == Fate::fail) return -1;
  static auto* const real = next<int(int, const char*, int, const char*)>("renameat");
  return real(from_directory, from, to_directory, to);
}

int unlink(const char* name) noexcept {
  if (judge("unlink", path_of(AT_FDCWD, name)) == Fate::fail) return -1;
  static auto* const real = next<int(const char*)>("unlink");
  return real(name);
}

int unlinkat(int directory, const char* name, int flags) noexcept {
  if (judge("unlink", path_of(directory, name)) == Fate::fail) return -1;
  static auto* const real = next<int(int, const char*, int)>("unlinkat");
  return real(directory, name, flags);
}

int remove(const char* name) noexcept {
  if (judge("unlink", path_of(AT_FDCWD, name)) == Fate::fail) return -1;
  static auto* const real = next<int(const char*)>("remove");
  return real(name);
}

int symlink(const char* target, const char* name) noexcept {
  if (judge("symlink", path_of(AT_FDCWD, name)) == Fate::fail) return -1;
  static auto* const real = next<int(const char*, const char*)>("symlink");
  return real(target, name);
}

int symlinkat(const char* target, int directory, const char* name) noexcept {
  if (judge("symlink", path_of(directory, name)) == Fate::fail) return -1;
  static auto* const real = next<int(const char*, int, const char*)>("symlinkat");
  return real(target, directory, name);
}

}  // extern "C"
