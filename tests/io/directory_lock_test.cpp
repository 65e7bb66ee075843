#include "lockstep/io/directory_lock.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "io/testing.hpp"
#include "lockstep/base/clock.hpp"

namespace lockstep {
namespace {

TEST(DirectoryLock, NamesTheHolder) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, Directory(directory.path()));
  const double start = now_seconds();
  expect_error(ExitCode::cannot_create, "process " + std::to_string(::getpid()) + " on host ",
               [&] { DirectoryLock second(Directory(directory.path()), {.wait = 0.2}); });
  EXPECT_GE(now_seconds() - start, 0.2);
  first.reset();
  DirectoryLock third(Directory(directory.path()), {.wait = 0});
}

TEST(DirectoryLock, EndsWithItsProcess) {
  const TemporaryDirectory directory;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const DirectoryLock lock(Directory(directory.path()));
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    ::pause();
  }
  char signal = 0;
  ASSERT_EQ(::read(ready[0], &signal, 1), 1);
  expect_error(ExitCode::cannot_create, "process " + std::to_string(child),
               [&] { DirectoryLock lock(Directory(directory.path()), {.wait = 0}); });
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(DirectoryLock(Directory(directory.path()), {.wait = 0}));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(DirectoryLock, MovesWithItsOwner) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, Directory(directory.path()));
  std::optional<DirectoryLock> second(std::move(*first));
  first.reset();
  EXPECT_THROW(DirectoryLock(Directory(directory.path()), {.wait = 0}), Error);
}

bool has(const TemporaryDirectory& directory, const std::string& name) {
  return std::filesystem::exists(directory / name);
}

TEST(DirectoryLock, EachStartTakesAHigherNumber) {
  const TemporaryDirectory directory;
  for (const int start : {1, 2, 3}) {
    const DirectoryLock lock(Directory(directory.path()));
    EXPECT_TRUE(has(directory, "LOCK." + std::to_string(start)));
    EXPECT_FALSE(has(directory, "LOCK." + std::to_string(start - 1)));
    EXPECT_NO_THROW(lock.require());
  }
}

TEST(DirectoryLock, WhoFindsAHigherNumberIsToldBy) {
  const TemporaryDirectory directory;
  const DirectoryLock lock(Directory(directory.path()));
  directory.write("LOCK.12", "process 5 on host other\n");
  expect_error(ExitCode::cannot_create, "was taken over by process 5 on host other",
               [&] { lock.require(); });
}

LockOptions lease(double wait, double beat, double stale) {
  return {.wait = wait, .beat = beat, .stale = stale, .use_flock = false};
}

TEST(DirectoryLock, ALeaseOfALivingHolderIsRespected) {
  const TemporaryDirectory directory;
  const DirectoryLock first(Directory(directory.path()), lease(1, 0.1, 0.5));
  expect_error(ExitCode::cannot_create, "process " + std::to_string(::getpid()) + " on host ",
               [&] { DirectoryLock second(Directory(directory.path()), lease(1.2, 0.1, 0.5)); });
  EXPECT_NO_THROW(first.require());
}

TEST(DirectoryLock, ALeaseThatIsGivenBackIsFreeAtOnce) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, Directory(directory.path()), lease(0, 10, 60));
  first.reset();
  EXPECT_NO_THROW(DirectoryLock(Directory(directory.path()), lease(0, 10, 60)));
}

// The first lives but shows no sign of it, as if it were suspended.
TEST(DirectoryLock, AStaleLeaseIsTakenOverAndItsHolderFindsOut) {
  const TemporaryDirectory directory;
  const DirectoryLock first(Directory(directory.path()), lease(0, 60, 60));
  const double start = now_seconds();
  const DirectoryLock second(Directory(directory.path()), lease(0, 60, 0.5));
  EXPECT_GE(now_seconds() - start, 0.4);
  EXPECT_NO_THROW(second.require());
  expect_error(ExitCode::cannot_create, "was taken over by", [&] { first.require(); });
}

TEST(DirectoryLock, WhoseFileIsGoneHasLostTheDirectory) {
  const TemporaryDirectory directory;
  const DirectoryLock lock(Directory(directory.path()), {.wait = 0, .beat = 0.05});
  EXPECT_FALSE(lock.seen_taken());
  directory.write("new", "process 7 on host elsewhere\n");
  std::filesystem::rename(directory / "new", directory / "LOCK.1");
  expect_error(ExitCode::cannot_create, "LOCK.1 was deleted or replaced", [&] { lock.require(); });
  std::filesystem::remove(directory / "LOCK.1");
  expect_error(ExitCode::cannot_create, "LOCK.1 was deleted or replaced", [&] { lock.require(); });
  for (int wait = 0; wait < 100 && !lock.seen_taken(); ++wait) ::usleep(50'000);
  EXPECT_TRUE(lock.seen_taken());
}

// A run that deletes what it finds before it starts must not write beside another.
TEST(DirectoryLock, AnEmptiedDirectoryIsStillLocked) {
  const TemporaryDirectory directory;
  std::optional<DirectoryLock> first(std::in_place, Directory(directory.path()));
  for (const char* name : {"LOCK", "LOCK.1"}) std::filesystem::remove(directory / name);
  expect_error(ExitCode::cannot_create, "is in use by another process",
               [&] { DirectoryLock second(Directory(directory.path()), {.wait = 0.1}); });
  first.reset();
  EXPECT_NO_THROW(DirectoryLock(Directory(directory.path()), {.wait = 0}));
}

TEST(DirectoryLock, WhosePathLeadsElsewhereHasLostIt) {
  const TemporaryDirectory scratch;
  for (const bool moved : {true, false}) {
    std::filesystem::create_directory(scratch / "run");
    const DirectoryLock first(Directory(scratch / "run"));
    if (moved) {
      std::filesystem::rename(scratch / "run", scratch / "old");
    } else {
      std::filesystem::remove_all(scratch / "run");
    }
    expect_error(ExitCode::cannot_create,
                 "run no longer leads to the directory of this run, which " +
                     (moved ? "is now " + (scratch / "old") : std::string("was deleted")),
                 [&] { first.require(); });
    std::filesystem::create_directory(scratch / "run");
    const DirectoryLock second(Directory(scratch / "run"), {.wait = 0});
    EXPECT_THROW(first.require(), Error);
    EXPECT_NO_THROW(second.require());
    std::filesystem::remove_all(scratch / "run");
  }
}

// No start can have had them.
TEST(DirectoryLock, AbsurdNumbersAreNoLocks) {
  const TemporaryDirectory directory;
  for (const char* name : {"LOCK.18446744073709551615", "LOCK.18446744073709551614", "LOCK.-1",
                           "LOCK.99999999999999999999999", "LOCK.", "LOCK.1x", "LOCK.0x10"}) {
    directory.write(name, "process 7 on host elsewhere\n");
    EXPECT_FALSE(is_lock_file(name)) << name;
  }
  const DirectoryLock lock(Directory(directory.path()), {.wait = 0});
  EXPECT_NO_THROW(lock.require());
  EXPECT_TRUE(std::filesystem::exists(directory / "LOCK.1"));
  EXPECT_TRUE(std::filesystem::exists(directory / "LOCK.18446744073709551615"));
}

// A pipe would be waited for, and what it says is shown as one line that obeys nobody.
TEST(DirectoryLock, StrangersFilesHarmNobody) {
  const TemporaryDirectory directory;
  {
    const DirectoryLock lock(Directory(directory.path()));
    ASSERT_EQ(::mkfifo((directory / "LOCK.5").c_str(), 0600), 0);
    expect_error(ExitCode::cannot_create, "was taken over by another process",
                 [&] { lock.require(); });
    directory.write("LOCK.6", "me\x1b[2J\ntrainer: error: forged\n");
    expect_error(ExitCode::cannot_create, "was taken over by me\\x1b[2J, for",
                 [&] { lock.require(); });
  }
  std::filesystem::remove(directory / "LOCK");
  ASSERT_EQ(::mkfifo((directory / "LOCK").c_str(), 0600), 0);
  expect_error(ExitCode::cannot_create, "LOCK is no regular file",
               [&] { DirectoryLock lock(Directory(directory.path()), {.wait = 0}); });
}

TEST(DirectoryLock, NeedsItsDirectory) {
  const TemporaryDirectory directory;
  expect_error(ExitCode::cannot_create, "none: No such file",
               [&] { DirectoryLock lock(Directory(directory / "none")); });
}

}  // namespace
}  // namespace lockstep
