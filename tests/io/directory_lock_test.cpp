#include "lockstep/io/directory_lock.hpp"

#include <sys/wait.h>

#include <csignal>
#include <optional>

#include "io/testing.hpp"
#include "lockstep/base/clock.hpp"

namespace lockstep {
namespace {

TEST(DirectoryLock, NamesTheHolder) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, directory.path());
  const double start = now_seconds();
  expect_error(ExitCode::cannot_create, "process " + std::to_string(::getpid()) + " on host ",
               [&] { DirectoryLock second(directory.path(), 0.2); });
  EXPECT_GE(now_seconds() - start, 0.2);
  first.reset();
  DirectoryLock third(directory.path(), 0.0);
}

TEST(DirectoryLock, EndsWithItsProcess) {
  const TemporaryDirectory directory;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const DirectoryLock lock(directory.path());
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    ::pause();
  }
  char signal = 0;
  ASSERT_EQ(::read(ready[0], &signal, 1), 1);
  expect_error(ExitCode::cannot_create, "process " + std::to_string(child),
               [&] { DirectoryLock lock(directory.path(), 0.0); });
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(DirectoryLock(directory.path(), 0.0));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(DirectoryLock, MovesWithItsOwner) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, directory.path());
  std::optional<DirectoryLock> second(std::move(*first));
  first.reset();
  EXPECT_THROW(DirectoryLock(directory.path(), 0.0), Error);
}

TEST(DirectoryLock, NeedsItsDirectory) {
  const TemporaryDirectory directory;
  expect_error(ExitCode::cannot_create, "none/LOCK: No such file",
               [&] { DirectoryLock lock(directory / "none"); });
}

}  // namespace
}  // namespace lockstep
