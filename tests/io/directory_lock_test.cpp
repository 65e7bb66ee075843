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
               [&] { DirectoryLock second(directory.path(), {.wait = 0.2}); });
  EXPECT_GE(now_seconds() - start, 0.2);
  first.reset();
  DirectoryLock third(directory.path(), {.wait = 0});
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
               [&] { DirectoryLock lock(directory.path(), {.wait = 0}); });
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(DirectoryLock(directory.path(), {.wait = 0}));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(DirectoryLock, MovesWithItsOwner) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, directory.path());
  std::optional<DirectoryLock> second(std::move(*first));
  first.reset();
  EXPECT_THROW(DirectoryLock(directory.path(), {.wait = 0}), Error);
}

bool has(const TemporaryDirectory& directory, const std::string& name) {
  return std::filesystem::exists(directory / name);
}

TEST(DirectoryLock, EachStartTakesAHigherNumber) {
  const TemporaryDirectory directory;
  for (const int start : {1, 2, 3}) {
    const DirectoryLock lock(directory.path());
    EXPECT_TRUE(has(directory, "LOCK." + std::to_string(start)));
    EXPECT_FALSE(has(directory, "LOCK." + std::to_string(start - 1)));
    EXPECT_NO_THROW(lock.require());
  }
}

TEST(DirectoryLock, WhoFindsAHigherNumberIsToldBy) {
  const TemporaryDirectory directory;
  const DirectoryLock lock(directory.path());
  directory.write("LOCK.12", "process 5 on host other\n");
  expect_error(ExitCode::cannot_create, "was taken over by process 5 on host other",
               [&] { lock.require(); });
}

LockOptions lease(double wait, double beat, double stale) {
  return {.wait = wait, .beat = beat, .stale = stale, .use_flock = false};
}

TEST(DirectoryLock, ALeaseOfALivingHolderIsRespected) {
  const TemporaryDirectory directory;
  const DirectoryLock first(directory.path(), lease(1, 0.1, 0.5));
  expect_error(ExitCode::cannot_create, "process " + std::to_string(::getpid()) + " on host ",
               [&] { DirectoryLock second(directory.path(), lease(1.2, 0.1, 0.5)); });
  EXPECT_NO_THROW(first.require());
}

TEST(DirectoryLock, ALeaseThatIsGivenBackIsFreeAtOnce) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, directory.path(), lease(0, 10, 60));
  first.reset();
  EXPECT_NO_THROW(DirectoryLock(directory.path(), lease(0, 10, 60)));
}

// The first lives but shows no sign of it, as if it were suspended.
TEST(DirectoryLock, AStaleLeaseIsTakenOverAndItsHolderFindsOut) {
  const TemporaryDirectory directory;
  const DirectoryLock first(directory.path(), lease(0, 60, 60));
  const double start = now_seconds();
  const DirectoryLock second(directory.path(), lease(0, 60, 0.5));
  EXPECT_GE(now_seconds() - start, 0.4);
  EXPECT_NO_THROW(second.require());
  expect_error(ExitCode::cannot_create, "was taken over by", [&] { first.require(); });
}

TEST(DirectoryLock, NeedsItsDirectory) {
  const TemporaryDirectory directory;
  expect_error(ExitCode::cannot_create, "none/LOCK: No such file",
               [&] { DirectoryLock lock(directory / "none"); });
}

}  // namespace
}  // namespace lockstep
