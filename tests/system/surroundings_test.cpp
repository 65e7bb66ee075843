// What a process finds around it: the floating-point mode that a library left, a shell of Slurm,
// limits, other processes that never come.
#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

class SurroundingsTest : public FaultTest {
 protected:
  SurroundingsTest() : FaultTest("steps = 40") {}

  void expect_right_bits(const std::string& run, const Outcome& outcome) {
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    if (whole_.empty()) {
      EXPECT_EQ(system_test::run(train(0, "whole")).code, 0);
      whole_ = latest("whole");
    }
    EXPECT_TRUE(latest(run) == whole_) << run;
  }

  /// A command in a shell that does something before.
  [[nodiscard]] static Outcome in_shell(const std::string& before, Command command) {
    Arguments line = {"sh", "-c", before + "; exec \"$@\"", "sh"};
    line.insert(line.end(), command.arguments.begin(), command.arguments.end());
    command.arguments = line;
    return system_test::run(command);
  }

  std::string whole_;
};

TEST_F(SurroundingsTest, TheFloatingPointModeIsNotTakenAsFound) {
  for (const int ranks : {0, 2}) {
    const std::string run = fmt::format("fast{}", ranks);
    expect_right_bits(run, system_test::run(train(ranks, run, {"--threads", "2"},
                                                  {preloading(directory_, LOCKSTEP_FAST_MATH)})));
  }
  std::vector<std::string> judged;
  for (const std::string& variable :
       {std::string("LD_PRELOAD="), preloading(directory_, LOCKSTEP_FAST_MATH)}) {
    Command command = command_in(directory_, 0, {"eval", "fast0/checkpoints/latest.h5", "--json"});
    command.environment.push_back(variable);
    const Outcome outcome = system_test::run(command);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    judged.push_back(outcome.out.substr(0, outcome.out.find("\"seconds\"")));
  }
  EXPECT_EQ(judged[0], judged[1]);
}

TEST_F(SurroundingsTest, InAShellOfSlurmAProcessIsOneProcess) {
  const Arguments job = {"SLURM_JOB_ID=7", "SLURM_JOBID=7", "SLURM_NODELIST=n1", "SLURM_NTASKS=4",
                         "SLURM_JOB_NODELIST=n1"};
  Arguments step = job;  // srun --pty
  step.insert(step.end(), {"SLURM_STEP_ID=0", "SLURM_STEPID=0", "SLURM_PROCID=0",
                           "SLURM_STEP_NUM_TASKS=1", "TMPDIR=/proc/none"});
  expect_right_bits("salloc", system_test::run(train(0, "salloc", {}, job)));
  expect_right_bits("pty", system_test::run(train(0, "pty", {}, step)));
  Arguments several = step;
  several[8] = "SLURM_STEP_NUM_TASKS=4";
  const Outcome outcome = system_test::run(train(0, "srun", {}, several));
  EXPECT_EQ(outcome.code, 71) << outcome.err;
  EXPECT_EQ(count(outcome.err, "4 processes were started but each believes to be rank 0"), 1)
      << outcome.err;
}

TEST_F(SurroundingsTest, WhatMpiWouldFailForIsSeenBefore) {
  expect_right_bits("few", in_shell("ulimit -Sn 16", train(0, "few")));  // which may be raised
  const Command launch = command_in(directory_, 0, {"launch", "-np", "2", "train", "config.toml"});
  for (const Command& command : {train(0, "fewer"), launch}) {
    const Outcome outcome = in_shell("ulimit -n 40", command);
    EXPECT_EQ(outcome.code, 71) << outcome.err;
    EXPECT_EQ(count(outcome.err, "a process may have only 40 files open"), 1) << outcome.err;
  }
  const Outcome outcome = in_shell("export TMPDIR=/proc/none", launch);
  EXPECT_EQ(outcome.code, 71) << outcome.err;
  EXPECT_EQ(count(outcome.err, "TMPDIR=/proc/none: Open MPI cannot keep temporary files"), 1)
      << outcome.err;
}

TEST_F(SurroundingsTest, StandardStreamsThatAreClosedAreNoFiles) {
  expect_right_bits("mute", in_shell("exec >&-", train(0, "mute")));
  expect_right_bits("closed", in_shell("exec <&- >&- 2>&-", train(0, "closed")));
}

TEST_F(SurroundingsTest, ARankThatNeverStartsMpiIsNotWaitedForForEver) {
  Command command = train(1, "run");
  command.arguments.insert(command.arguments.end(), {":", "-np", "1", "sleep", "100"});
  command.environment.emplace_back("LOCKSTEP_START_LIMIT=2");
  const Outcome outcome = system_test::run(command);
  EXPECT_EQ(outcome.code, 71) << outcome.err;
  EXPECT_LT(outcome.seconds, 30);
  EXPECT_EQ(count(outcome.err, "trainer: warning: rank 0 of 2 on "), 1) << outcome.err;
  EXPECT_EQ(count(outcome.err, " has waited 2 s for MPI to start on all ranks; "), 1)
      << outcome.err;
  EXPECT_EQ(count(outcome.err, "it listens on "), 2) << outcome.err;
}

}  // namespace
}  // namespace lockstep::system_test
