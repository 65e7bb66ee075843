#include "cli/launch/mpirun.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "io/testing.hpp"

namespace lockstep::cli {
namespace {

namespace fs = std::filesystem;

/// The directory of an mpirun, process 123, among the temporary files.
class LeftoversTest : public testing::Test {
 protected:
  LeftoversTest() {
    ::setenv("TMPDIR", scratch_.path().c_str(), 1);
    fs::create_directories(session());
  }
  ~LeftoversTest() override { ::unsetenv("TMPDIR"); }
  [[nodiscard]] fs::path user() const {
    return scratch_.path() / ("ompi.host." + std::to_string(::geteuid()));
  }
  [[nodiscard]] fs::path session() const { return user() / "pid.123"; }

  TemporaryDirectory scratch_;
};

TEST_F(LeftoversTest, GoWithTheirDirectory) {
  scratch_.write(fs::relative(session() / "contact.txt", scratch_.path()).string(), "77\n");
  remove_leftovers(123);
  EXPECT_TRUE(fs::exists(user()));
  EXPECT_FALSE(fs::exists(session()));
}

// Nobody writes into that pipe, and that device never ends.
TEST_F(LeftoversTest, AContactThatIsNoFileIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo((session() / "contact.txt").c_str(), 0600), 0);
  remove_leftovers(123);
  EXPECT_FALSE(fs::exists(session()));
  fs::create_directories(session());
  fs::create_symlink("/dev/zero", session() / "contact.txt");
  remove_leftovers(123);
  EXPECT_FALSE(fs::exists(session()));
}

TEST_F(LeftoversTest, LinksAreLeftAlone) {
  fs::create_directories(scratch_.path() / "mine/pid.123");
  fs::remove_all(user());
  fs::create_directory_symlink("mine", user());
  remove_leftovers(123);
  EXPECT_TRUE(fs::exists(scratch_.path() / "mine/pid.123"));
}

// Only root can make such a directory here, and only for root it would be a danger.
TEST_F(LeftoversTest, AnothersDirectoryIsLeftAlone) {
  constexpr uid_t kAnother = 12345;
  const bool is_another = ::chown(user().c_str(), kAnother, kAnother) == 0;
  remove_leftovers(123);
  EXPECT_EQ(fs::exists(session()), is_another);
}

}  // namespace
}  // namespace lockstep::cli
