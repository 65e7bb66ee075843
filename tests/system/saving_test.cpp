// Saves that fail, and saves in the background.
#include <sys/resource.h>

#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

/// Files of this process may be no larger from now on, as if the disk were full.
void limit_files(pid_t pid, rlim_t bytes) {
  const rlimit limit{bytes, RLIM_INFINITY};
  EXPECT_EQ(::prlimit(pid, RLIMIT_FSIZE, &limit, nullptr), 0);
}

constexpr rlim_t kFull = 4096;  // a checkpoint takes more

class SavingTest : public FaultTest {
 protected:
  SavingTest() : FaultTest("epochs = 400") {}

  void expect_undisturbed_end(const std::string& run) {
    if (whole_.empty()) {
      EXPECT_EQ(system_test::run(train(0, "whole")).code, 0);
      whole_ = latest("whole");
    }
    EXPECT_TRUE(latest(run) == whole_);
  }

  std::string whole_;
};

TEST_F(SavingTest, AFullDiskIsSurvivedAndNothingIsLost) {
  // In the foreground and in the background.
  for (const char* overhead : {"1", "1e-9"}) {
    const std::string run = fmt::format("full{}", overhead);
    SCOPED_TRACE(run);
    Process process(train(
        2, run,
        {"--set", "checkpoint.every=\"50 steps\"", "--set", "checkpoint.max_failed_saves=1000000",
         "--set", fmt::format("checkpoint.overhead={}", overhead)},
        {mark(run)}));
    ASSERT_TRUE(wait_until(30, [&] { return metric_lines(path(run), "checkpoint").size() > 1; }));
    const pid_t writer = rank_with(mark(run), 0);
    ASSERT_NE(writer, 0);
    limit_files(writer, kFull);
    std::string seen;
    ASSERT_TRUE(wait_until(30, [&] {
      seen = process.err();
      return count(seen, "checkpoint not written: ") > 2;
    }));
    EXPECT_NE(seen.find("File too large"), std::string::npos) << seen;
    EXPECT_GE(checkpoints(run).size(), 2u);
    EXPECT_EQ(system_test::run(command_in(directory_, 0,
                                          {"inspect", run + "/checkpoints/latest.h5", "--verify"}))
                  .code,
              0);
    limit_files(writer, RLIM_INFINITY);
    const Outcome outcome = process.wait(60);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(status(run), "done 0\n");
    expect_undisturbed_end(run);
  }
}

TEST_F(SavingTest, AfterSoManyFailuresTheRunEnds) {
  const std::string run = "given-up";
  Process process(train(
      3, run, {"--set", "checkpoint.every=\"50 steps\"", "--set", "checkpoint.max_failed_saves=2"},
      {mark(run)}));
  ASSERT_TRUE(wait_until(30, [&] { return metric_lines(path(run), "checkpoint").size() > 1; }));
  limit_files(rank_with(mark(run), 0), kFull);
  const Outcome outcome = process.wait(60);
  EXPECT_EQ(outcome.code, 74) << outcome.err;
  EXPECT_EQ(count(outcome.err, "checkpoint not written: "), 2) << outcome.err;
  EXPECT_NE(outcome.err.find("error: 2 checkpoints in a row could not be written"),
            std::string::npos)
      << outcome.err;
  EXPECT_TRUE(status(run).starts_with("failed 74 ")) << status(run);
  const Outcome second = system_test::run(train(2, run, {"--resume", "auto"}));
  EXPECT_EQ(second.code, 0) << second.err;
  expect_undisturbed_end(run);
}

// So that saving takes no more than its share of the time.
TEST_F(SavingTest, DistancesInTimeGrow) {
  directory_.write("config.toml", small_config("epochs = 100"));
  const auto saves = [&](const std::string& overhead) {
    const std::string run = "paced" + overhead;
    const Outcome outcome = system_test::run(
        train(2, run,
              {"--set", "checkpoint.every=\"0.001 s\"", "--set", "checkpoint.best=none", "--set",
               "checkpoint.overhead=" + overhead}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return metric_lines(path(run), "checkpoint").size();
  };
  EXPECT_LT(4 * saves("0.01"), saves("1"));
}

TEST_F(SavingTest, TheBackgroundWritesTheSameFiles) {
  directory_.write("config.toml", small_config("epochs = 8"));
  const auto saved = [&](int ranks, const std::string& run, const std::string& overhead) {
    const Outcome outcome = system_test::run(
        train(ranks, run,
              {"--set", "checkpoint.every=\"3 steps\"", "--set", "checkpoint.keep=1000", "--set",
               "checkpoint.best=none", "--set", "checkpoint.overhead=" + overhead}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    const auto lines = metric_lines(path(run), "checkpoint");
    EXPECT_EQ(lines.size(), checkpoints(run).size()) << "each is told once it is complete";
    return checkpoints(run);
  };
  const auto foreground = saved(0, "foreground", "1");
  EXPECT_EQ(foreground.size(), 22u);  // 64 steps
  EXPECT_TRUE(saved(0, "background", "1e-9") == foreground);
  EXPECT_TRUE(saved(3, "background3", "1e-9") == foreground);
  EXPECT_TRUE(saved(4, "nodes", "1e-9") == foreground);
}

}  // namespace
}  // namespace lockstep::system_test
