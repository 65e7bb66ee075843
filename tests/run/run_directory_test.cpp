#include "lockstep/run/run_directory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "lockstep/run/checkpoint_store.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Runs are made below the working directory: each test has its own.
class RunDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "run-directory-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    scratch_ = name;
    before_ = fs::current_path();
    fs::current_path(scratch_);
  }
  void TearDown() override {
    fs::current_path(before_);
    fs::remove_all(scratch_);
  }

  fs::path scratch_;
  fs::path before_;
};

TEST_F(RunDirectoryTest, NumbersRunsOfOneName) {
  EXPECT_EQ(RunDirectory::create("", "mlp", false).path(), "runs/mlp");
  EXPECT_EQ(RunDirectory::create("", "mlp", false).path(), "runs/mlp-2");
  EXPECT_EQ(RunDirectory::create("", "mlp", false).path(), "runs/mlp-3");
  EXPECT_EQ(RunDirectory::create("", "cnn", false).path(), "runs/cnn");
}

TEST_F(RunDirectoryTest, ResumeTakesTheExistingOne) {
  EXPECT_EQ(RunDirectory::create("", "mlp", true).path(), "runs/mlp");  // nothing there: fresh
  EXPECT_EQ(RunDirectory::create("", "mlp", true).path(), "runs/mlp");
}

TEST_F(RunDirectoryTest, RequestedOneMustBeEmptyUnlessResumed) {
  { RunDirectory::create("a/b/", "mlp", false).write_text("config.toml", "seed = 1\n"); }
  try {
    static_cast<void>(RunDirectory::create("a/b", "mlp", false));
    FAIL() << "a directory with content was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::cannot_create);
    EXPECT_NE(std::string(error.what()).find("--resume auto"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("--run-dir"), std::string::npos);
  }
  EXPECT_EQ(content("a/b/config.toml"), "seed = 1\n");
  EXPECT_EQ(RunDirectory::create("a/b", "mlp", true).path(), "a/b");
}

TEST_F(RunDirectoryTest, TheLockOfAnAttemptThatWroteNothingIsNoContent) {
  fs::create_directory("a");
  std::ofstream("a/LOCK") << "process 1 on host gone\n";
  EXPECT_EQ(RunDirectory::create("a", "mlp", false).path(), "a");
}

TEST_F(RunDirectoryTest, AFileInTheWayIsRefused) {
  std::ofstream("file") << "x";
  EXPECT_THROW(static_cast<void>(RunDirectory::create("file", "mlp", true)), Error);
  EXPECT_THROW(static_cast<void>(RunDirectory::create("file/below", "mlp", true)), Error);
  EXPECT_EQ(content("file"), "x");
}

TEST_F(RunDirectoryTest, StatusIsOneLine) {
  const RunDirectory directory = RunDirectory::create("", "mlp", false);
  directory.status("running");
  EXPECT_EQ(content("runs/mlp/STATUS"), "running\n");
  directory.status("done", ExitCode::ok);
  EXPECT_EQ(content("runs/mlp/STATUS"), "done 0\n");
  directory.status("failed", ExitCode::io, "disk full\nremedy");
  EXPECT_EQ(content("runs/mlp/STATUS"), "failed 74 disk full\n");
}

TEST_F(RunDirectoryTest, LinksAreRelativeAndReplaced) {
  const RunDirectory directory = RunDirectory::create("", "mlp", false);
  directory.link("latest.h5", "step-00000001.h5");
  directory.link("latest.h5", "step-00000002.h5");
  EXPECT_EQ(fs::read_symlink("runs/mlp/checkpoints/latest.h5"), "step-00000002.h5");
  EXPECT_EQ(std::distance(fs::directory_iterator("runs/mlp/checkpoints"), {}), 1);
}

// Its directory was moved away, and another run has begun at its path.
TEST_F(RunDirectoryTest, AnotherRunAtItsPathIsNotTouched) {
  const RunDirectory ours = RunDirectory::create("a", "mlp", false);
  fs::rename("a", "old");
  const RunDirectory theirs = RunDirectory::create("a", "mlp", false);
  theirs.status("running");
  theirs.link("latest.h5", "step-00000007.h5");
  const CheckpointStore store(ours.checkpoints(), 2);
  const std::vector<std::byte> image(500);
  CheckpointStore(theirs.checkpoints(), 2).save(7, image, {});
  const auto expect_lost = [&](const auto& write) {
    try {
      write();
      ADD_FAILURE() << "written";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::cannot_create);
      EXPECT_NE(std::string(error.what()).find("a no longer leads to the directory of this run"),
                std::string::npos)
          << error.what();
    }
  };
  expect_lost([&] { ours.require_ownership(); });
  expect_lost([&] { ours.status("done", ExitCode::ok); });
  expect_lost([&] { ours.link("latest.h5", "step-00000001.h5"); });
  // Even of what was checked before it was moved.
  for (const std::uint64_t step : {10u, 11u, 12u, 13u}) store.save(step, image, {});
  store.set_aside_after(11);
  EXPECT_TRUE(fs::exists("old/checkpoints/step-00000012.h5.aside"));
  EXPECT_TRUE(fs::exists("a/checkpoints/step-00000007.h5"));
  EXPECT_EQ(std::distance(fs::directory_iterator("a/checkpoints"), {}), 2);
  EXPECT_EQ(content("a/STATUS"), "running\n");
  EXPECT_EQ(fs::read_symlink("a/checkpoints/latest.h5"), "step-00000007.h5");
  EXPECT_NO_THROW(theirs.require_ownership());
}

TEST_F(RunDirectoryTest, CheckpointsAreInItsOwnDirectory) {
  const RunDirectory ours = RunDirectory::create("a", "mlp", false);
  fs::rename("a/checkpoints", "moved");
  EXPECT_THROW(ours.status("running"), Error);
  fs::create_directory("a/checkpoints");
  EXPECT_THROW(ours.status("running"), Error);
  fs::create_directory("b");
  fs::create_directory_symlink("../moved", "b/checkpoints");
  EXPECT_THROW(static_cast<void>(RunDirectory::create("b", "mlp", true)), Error);
}

TEST_F(RunDirectoryTest, StatusShowsNoCommandsOfATerminal) {
  const RunDirectory directory = RunDirectory::create("", "mlp", false);
  directory.status("failed", ExitCode::io, "no \x1b[2Jx\nsecond");
  EXPECT_EQ(content("runs/mlp/STATUS"), "failed 74 no \\x1b[2Jx\n");
}

TEST_F(RunDirectoryTest, RemovesWhatAKilledWriterLeft) {
  fs::create_directories("a/checkpoints");
  std::ofstream("a/checkpoints/.lockstep-tmp-0123") << "half";
  static_cast<void>(RunDirectory::create("a", "mlp", true));
  EXPECT_FALSE(fs::exists("a/checkpoints/.lockstep-tmp-0123"));
}

}  // namespace
}  // namespace lockstep
