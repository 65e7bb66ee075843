// Signals and time limits at instants at which nothing was done yet, and the second Ctrl-C.
#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

class SignalsTest : public FaultTest {
 protected:
  SignalsTest() : FaultTest("epochs = 20") {}

  void expect_resumable(const std::string& run) {
    if (whole_.empty()) {
      EXPECT_EQ(system_test::run(train(0, "whole")).code, 0);
      whole_ = latest("whole");
    }
    const Outcome outcome = system_test::run(train(0, run, {"--resume", "auto"}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_TRUE(latest(run) == whole_);
  }

  std::string whole_;
};

TEST_F(SignalsTest, FromTheFirstInstantOn) {
  int before = 0;
  for (const int ranks : {0, 3}) {
    for (const double instant : {0.0, 0.05}) {
      const std::string run = fmt::format("early{}-{}", ranks, instant);
      SCOPED_TRACE(run);
      Process process(train(ranks, run, {}, {mark(run)}));
      pid_t victim = process.pid();
      ASSERT_TRUE(wait_until(20, [&] {
        if (ranks > 0) victim = rank_with(mark(run), ranks - 1);
        return victim != 0 && in_set(victim, "SigCgt", SIGUSR1);
      }));
      sleep_seconds(instant);
      ::kill(victim, ranks == 0 ? SIGTERM : SIGUSR1);
      const Outcome outcome = process.wait(30);
      if (outcome.code == 0) continue;  // it was faster
      EXPECT_EQ(outcome.code, 75) << outcome.err;
      EXPECT_EQ(count(outcome.err, "error:"), 0) << outcome.err;
      before += count(outcome.err, "before the first step: nothing was to be saved");
      expect_resumable(run);
    }
  }
  EXPECT_GE(before, 2) << "the earliest signals come before the first step";
}

TEST_F(SignalsTest, TimeCountsFromTheStartOfTheProcess) {
  for (const int ranks : {0, 3}) {
    const std::string run = fmt::format("short{}", ranks);
    const Outcome outcome = system_test::run(train(ranks, run, {"--max-time", "0.001s"}));
    EXPECT_EQ(outcome.code, 75) << outcome.err;
    EXPECT_EQ(count(outcome.err, "stopped by --max-time before the first step"), 1) << outcome.err;
    expect_resumable(run);
  }
  const Outcome outcome =
      system_test::run(train(2, "second", {"--max-time", "1s", "--set", "run.epochs=1000000"}));
  EXPECT_EQ(outcome.code, 75) << outcome.err;
  EXPECT_GE(outcome.seconds, 0.9);
  EXPECT_LT(outcome.seconds, 5);
  EXPECT_EQ(status("second"), "preempted 75 --max-time\n");
}

TEST_F(SignalsTest, TheSecondInterruptLeavesAtOnce) {
  directory_.write("config.toml", replaced(small_config("epochs = 3"), "out = 128", "out = 20000"));
  Process process(train(0, "impatient", {"--set", "checkpoint.every=\"1 steps\""}));
  ASSERT_TRUE(trains("impatient", 1));
  process.send(SIGINT);
  ASSERT_TRUE(wait_until(5, [&] { return !in_set(process.pid(), "ShdPnd", SIGINT); }));
  process.send(SIGINT);
  const Outcome outcome = process.wait(10);
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  // What is there is whole, and the run goes on from it.
  const Outcome second =
      system_test::run(train(2, "impatient", {"--resume", "auto", "--max-steps", "1"}));
  EXPECT_EQ(second.code, 75) << second.err;
  EXPECT_NE(second.out.find("resume"), std::string::npos) << second.out;
}

}  // namespace
}  // namespace lockstep::system_test
