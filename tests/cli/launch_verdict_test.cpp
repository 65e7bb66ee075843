#include "cli/launch/launch_verdict.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "io/testing.hpp"

namespace lockstep::cli {
namespace {

RunRecord record(const std::string& status, std::int64_t time) {
  return {.status = status, .time = time};
}

TEST(LaunchVerdictTest, StatusCountsIfTheJobHasWrittenIt) {
  const RunRecord nothing;
  // Whatever mpirun says.
  for (const int launcher : {0, 1, 137}) {
    EXPECT_EQ(verdict(nothing, record("done 0", 1), launcher), 0);
    EXPECT_EQ(verdict(nothing, record("preempted 75 SIGUSR1", 1), launcher), 75);
    EXPECT_EQ(verdict(nothing, record("failed 82 rank 1 has not moved", 1), launcher), 82);
  }
  EXPECT_EQ(verdict(record("preempted 75 SIGUSR1", 1), record("preempted 75 SIGUSR1", 1), 137), 137)
      << "STATUS is that of an earlier start";
}

TEST(LaunchVerdictTest, OtherwiseTheLaunchersCodeIsAHint) {
  const RunRecord nothing;
  EXPECT_EQ(verdict(nothing, nothing, 78), 78);
  EXPECT_EQ(verdict(nothing, record("running", 1), 137), 137);
  // MPI_Abort(0), and an mpirun that was told to end: neither is what the run would say.
  EXPECT_EQ(verdict(nothing, record("running", 1), 0), 71);
  EXPECT_EQ(verdict(nothing, record("running", 1), 1), 71);
}

TEST(LaunchVerdictTest, WhatIsWorthAnotherStart) {
  for (const int code : {0, 75, 64, 65, 66, 69, 73, 77, 78, 80, 130}) {
    EXPECT_FALSE(may_do_better(code)) << code;
  }
  for (const int code : {70, 71, 74, 81, 82, 134, 137, 139, 143}) {
    EXPECT_TRUE(may_do_better(code)) << code;
  }
}

TEST(LaunchVerdictTest, TheRecordIsThatOfTheFiles) {
  const TemporaryDirectory directory;
  RunRecord empty = read_record(directory.path());
  EXPECT_EQ(empty.status, "");
  EXPECT_EQ(empty.step, 0u);
  EXPECT_EQ(empty.checkpoint, std::nullopt);

  directory.write("STATUS", "running\n");
  std::string lines(100'000, 'x');
  lines +=
      "\n{\"t\":\"step\",\"step\":340,\"loss\":null}\n{\"t\":\"eval\",\"step\":350}\n{\"t\":\"st";
  directory.write("metrics.jsonl", lines);
  const RunRecord record = read_record(directory.path());
  EXPECT_TRUE(record.is_newer_than(empty));
  EXPECT_FALSE(record.is_newer_than(record));
  EXPECT_EQ(record.status, "running");
  EXPECT_EQ(record.step, 340u) << "of the last whole line about a step";
  std::filesystem::create_directory(directory.path() / "checkpoints");
  directory.write("checkpoints/step-00000360.h5", "");
  directory.write("checkpoints/step-00000300.h5", "");
  EXPECT_EQ(read_record(directory.path()).checkpoint, 360u);
  EXPECT_EQ(read_record(directory.path()).step, 360u);
}

TEST(LaunchVerdictTest, StrangeFilesTellNothingAndHoldNobodyUp) {
  const TemporaryDirectory directory;
  for (const char* name : {"STATUS", "metrics.jsonl"}) {
    ASSERT_EQ(::mkfifo((directory / name).c_str(), 0600), 0);
  }
  EXPECT_EQ(read_record(directory.path()).status, "");
  EXPECT_EQ(read_record(directory.path()).step, 0u);
  std::filesystem::remove(directory / "STATUS");
  std::filesystem::create_symlink("/dev/zero", directory / "STATUS");
  std::filesystem::remove(directory / "metrics.jsonl");
  directory.write("metrics.jsonl",
                  "{\"t\":7}\n[]\n{\"t\":\"step\",\"step\":12}\n"
                  "{\"t\":\"step\",\"step\":\"x\"}\n{\"t\":\"step\",\"step\":-1}\n");
  std::filesystem::create_directory(directory / "checkpoints");
  directory.write("checkpoints/step-18446744073709551615.h5", "");
  EXPECT_EQ(read_record(directory.path()).status, "");
  EXPECT_EQ(read_record(directory.path()).step, 12u);
  EXPECT_EQ(read_record(directory.path()).checkpoint, std::nullopt);
}

}  // namespace
}  // namespace lockstep::cli
