// A rank dies while the others sleep in shared memory until it is ready: the job is gone in
// seconds, and nothing of it stays behind.
#include <gtest/gtest.h>

#include <cstdlib>

#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

constexpr std::string_view kSharedMemoryConfig = R"(
[run]
name = "endless"
steps = 100_000_000
[data]
train = "data.csv"
holdout = 0
batch = 48
[[layer]]
type = "linear"
out = 300
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = 5
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.001
)";

int repetitions() {
  const char* given = std::getenv("LOCKSTEP_TEST_KILLS");
  return given == nullptr ? 3 : std::atoi(given);
}

class SharedMemoryTest : public testing::Test {
 protected:
  SharedMemoryTest() {
    directory_.write("data.csv", class_table(5000, 20, 5));  // long epochs: they end in MPI calls
    directory_.write("config.toml", std::string(kSharedMemoryConfig));
  }

  /// Starts four ranks and waits until they train.
  std::unique_ptr<Process> start(const std::string& run, const std::string& mark) {
    Command command =
        command_in(directory_, 4,
                   {"train", "config.toml", "--run-dir", run, "--set", "log.every=\"1 steps\""});
    command.environment.push_back(mark);
    auto process = std::make_unique<Process>(command);
    const auto path = directory_.path() / run;
    EXPECT_TRUE(wait_until(30, [&] { return metric_lines(path, "step").size() > 3; }));
    return process;
  }

  /// Stops one rank and waits until all others sleep for it. At the end of an epoch, they may be
  /// within a collective call of MPI, which polls: then it is tried again at another instant.
  static void stop_and_await_sleep(pid_t victim, const std::vector<pid_t>& ranks) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      ::kill(victim, SIGSTOP);
      int quiet = 0;  // looks in a row at which all were asleep
      const bool asleep = wait_until(1, [&] {
        bool all = state_of(victim) == 'T';
        for (const pid_t pid : ranks) all = all && (pid == victim || state_of(pid) == 'S');
        quiet = all ? quiet + 1 : 0;
        return quiet > 20;
      });
      if (asleep) return;
      ::kill(victim, SIGCONT);
      sleep_seconds(0.003 * attempt);
    }
    FAIL() << "the others do not sleep";
  }

  TemporaryDirectory directory_;
};

TEST_F(SharedMemoryTest, AKilledRankEndsTheJobAndLeavesNothing) {
  Numbers numbers(3);
  for (int trial = 0; trial < repetitions(); ++trial) {
    SCOPED_TRACE(trial);
    const std::set<std::string> before = shared_segments();
    const std::string mark = fmt::format("LOCKSTEP_TEST_MARK={}-kill{}", ::getpid(), trial);
    const auto process = start(fmt::format("kill{}", trial), mark);
    const std::vector<pid_t> ranks = ranks_with(mark);
    ASSERT_EQ(ranks.size(), 4u);
    const pid_t victim = ranks[static_cast<std::size_t>(numbers.below(4))];
    stop_and_await_sleep(victim, ranks);
    const double killed = now_seconds();
    ::kill(victim, SIGKILL);
    const Outcome outcome = process->wait(20);
    EXPECT_TRUE(wait_until(5, [&] { return processes_with(mark).empty(); }));
    EXPECT_LT(now_seconds() - killed, 5);
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_NE(outcome.code, 0);
    expect_no_segments_but(before);
  }
}

// The launcher cannot help here: it is stopped itself. The ranks notice on their own.
TEST_F(SharedMemoryTest, SleepersNoticeADeathByThemselves) {
  const std::string mark = fmt::format("LOCKSTEP_TEST_MARK={}-notice", ::getpid());
  const auto process = start("notice", mark);
  const std::vector<pid_t> ranks = ranks_with(mark);
  ASSERT_EQ(ranks.size(), 4u);
  stop_and_await_sleep(ranks[1], ranks);
  process->send(SIGSTOP);
  ::kill(ranks[1], SIGKILL);
  sleep_seconds(1.5);
  process->send(SIGCONT);
  const Outcome outcome = process->wait(20);
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_NE(outcome.code, 0);
  EXPECT_NE(outcome.err.find("has ended while others wait for it"), std::string::npos)
      << outcome.err;
  EXPECT_TRUE(wait_until(5, [&] { return processes_with(mark).empty(); }));
}

// Nobody is left who could clean up.
TEST_F(SharedMemoryTest, AllAreKilledAtOnceAndNothingIsLeft) {
  const std::set<std::string> before = shared_segments();
  const std::string mark = fmt::format("LOCKSTEP_TEST_MARK={}-all", ::getpid());
  const auto process = start("all", mark);
  const std::vector<pid_t> ranks = ranks_with(mark);
  ASSERT_EQ(ranks.size(), 4u);
  process->send(SIGKILL);
  for (const pid_t rank : ranks) ::kill(rank, SIGKILL);
  process->wait(20);
  EXPECT_TRUE(wait_until(5, [&] { return processes_with(mark).empty(); }));
  expect_no_segments_but(before);
}

}  // namespace
}  // namespace lockstep::system_test
