// A rank that is stopped for ever ends the job and is named; a job that is stopped as a whole, or a
// rank that is slow, goes on to the same bits.
#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

constexpr double kLimit = 1;

class WatchdogTest : public FaultTest {
 protected:
  WatchdogTest() : FaultTest("steps = 100_000_000") {}

  static Arguments watched(const Arguments& more = {}) {
    Arguments arguments = {"--set", fmt::format("watchdog.limit=\"{} s\"", kLimit)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  void expect_named(int ranks, int victim, const Arguments& more = {}) {
    const std::string run = fmt::format("stopped{}of{}", victim, ranks);
    SCOPED_TRACE(run);
    const std::set<std::string> before = shared_segments();
    Process process(train(ranks, run, watched(more), {mark(run)}));
    ASSERT_TRUE(trains(run));
    const pid_t pid = rank_with(mark(run), victim);
    ASSERT_NE(pid, 0);
    ::kill(pid, SIGSTOP);
    const double stopped = now_seconds();
    const Outcome outcome = process.wait(20);
    EXPECT_LE(now_seconds() - stopped, kLimit + 5);
    EXPECT_EQ(outcome.code, 82) << outcome.err;
    EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
    const std::string who = fmt::format("rank {} on ", victim);
    EXPECT_NE(outcome.err.find("trainer: error: " + who), std::string::npos) << outcome.err;
    for (const char* part : {" (step ", "its process is stopped"}) {
      EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
    }
    // Rank 0 keeps the records, if it can.
    EXPECT_TRUE(status(run).starts_with(victim == 0 ? "running" : "failed 82 " + who))
        << status(run);
    expect_nobody_left(mark(run));
    expect_no_segments_but(before);
  }
};

TEST_F(WatchdogTest, AStoppedRankIsNamed) {
  expect_named(2, 0);
  expect_named(3, 1);
}

TEST_F(WatchdogTest, AcrossNodes) { expect_named(4, 3, {"--ranks-per-node", "2"}); }

TEST_F(WatchdogTest, SuspensionAndStragglersAreNoAlarm) {
  directory_.write("config.toml", small_config("epochs = 1500"));
  const Outcome alone = system_test::run(train(0, "alone"));
  ASSERT_EQ(alone.code, 0) << alone.err;
  Process process(train(3, "suspended", watched(), {mark("suspended")}));
  ASSERT_TRUE(trains("suspended"));
  process.send(SIGTSTP);  // as Ctrl-Z does
  const std::vector<pid_t> ranks = ranks_with(mark("suspended"));
  ASSERT_EQ(ranks.size(), 3u);
  for (const pid_t pid : ranks) {
    EXPECT_TRUE(wait_until(2, [&] { return state_of(pid) == 'T'; }));
  }
  sleep_seconds(3 * kLimit);
  process.send(SIGCONT);
  // Half of the time one rank does nothing.
  for (int i = 0; i < 4; ++i) {
    ::kill(ranks[1], SIGSTOP);
    sleep_seconds(kLimit / 4);
    ::kill(ranks[1], SIGCONT);
    sleep_seconds(kLimit / 4);
  }
  ASSERT_FALSE(process.ended());
  const Outcome outcome = process.wait(60);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(count(outcome.err, "error:"), 0) << outcome.err;
  EXPECT_TRUE(latest("suspended") == latest("alone"));
}

}  // namespace
}  // namespace lockstep::system_test
