// Numbers of no use: all ranks decide alike and as configured, the last good checkpoint stays, and
// the bits depend neither on the number of ranks nor on kills.
#include "system/faulty_rank.hpp"

namespace lockstep::system_test {
namespace {

/// The digest that a run prints at its end.
std::string digest_of(const Outcome& outcome) {
  const auto at = outcome.out.rfind("digest ");
  return at == std::string::npos ? "none" : outcome.out.substr(at, 39);
}

class DivergenceTest : public FaultyRankTest {
 protected:
  DivergenceTest() : FaultyRankTest("steps = 400") {}

  [[nodiscard]] Outcome train_with(int ranks, const std::string& run, const Arguments& more,
                                   const Arguments& further = {}) const {
    Arguments all = options(more);
    all.insert(all.end(), further.begin(), further.end());
    return system_test::run(train(ranks, run, all));
  }
  /// A row that no network can take.
  void write_bad_row() const {
    std::string row;
    for (int i = 0; i < 20; ++i) row += i % 2 == 0 ? "3e38," : "-3e38,";
    directory_.write("data.csv", class_table(412, 20, 5) + row + "1\n");
  }
  /// Regression of `data` by a linear layer behind `hidden` ones; the learning rate is a thousand
  /// times too large.
  void write_regression(const std::string& data, std::string_view hidden) const {
    directory_.write("data.csv", data);
    directory_.write("config.toml", fmt::format(R"(
[run]
name = "steep"
steps = 300
[data]
train = "data.csv"
batch = 50
{}[[layer]]
type = "linear"
out = 1
[loss]
type = "mse"
[optimizer]
type = "sgd"
lr = 20
[parallel]
microbatches = 8
[log]
every = "1 steps"
)",
                                                hidden));
  }
  void write_steep() const {
    write_regression(value_table(500, 6), R"([[layer]]
type = "linear"
out = 16
[[layer]]
type = "tanh"
)");
  }
};

TEST_F(DivergenceTest, StopsWithAPlainSentence) {
  write_steep();
  for (const int ranks : {0, 3}) {
    const std::string run = fmt::format("steep{}", ranks);
    const Outcome outcome = train_with(ranks, run, {"checkpoint.every=\"1 steps\""});
    EXPECT_EQ(outcome.code, 80) << outcome.err;
    EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
    for (const char* part : {"the learning rate is too large: the loss rose ", " x in ",
                             " is not finite", "try --set optimizer.lr=2"}) {
      EXPECT_NE(outcome.err.find(part), std::string::npos) << part << "\n" << outcome.err;
    }
    EXPECT_TRUE(status(run).starts_with("failed 80 the learning rate is too large")) << status(run);
    EXPECT_EQ(system_test::run(command_in(directory_, 0,
                                          {"inspect", run + "/checkpoints/latest.h5", "--verify"}))
                  .code,
              0);
  }
  EXPECT_TRUE(latest("steep0") == latest("steep3")) << "they stop at the same step";
}

TEST_F(DivergenceTest, ASkippedBatchGivesTheSameBits) {
  write_bad_row();
  const Outcome alone = train_with(0, "alone", {"divergence.action=skip"});
  EXPECT_EQ(alone.code, 0) << alone.err;
  EXPECT_GT(count(alone.err, "skipped, 1 of at most 3 in a row"), 1) << "once per epoch";
  for (const int ranks : {3, 4}) {
    const std::string run = fmt::format("np{}", ranks);
    const Outcome outcome = train_with(ranks, run, {"divergence.action=skip"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(count(outcome.err, "skipped,"), count(alone.err, "skipped,"));
    EXPECT_TRUE(latest(run) == latest("alone"));
  }
  EXPECT_EQ(train_with(2, "parts", {"divergence.action=skip"}, {"--max-steps", "131"}).code, 75);
  EXPECT_EQ(train_with(3, "parts", {"divergence.action=skip"}, {"--resume", "auto"}).code, 0);
  EXPECT_TRUE(latest("parts") == latest("alone"));
}

TEST_F(DivergenceTest, RollbackLowersTheRateUntilItIsRight) {
  write_steep();
  const Arguments lower = {"divergence.action=rollback", "divergence.rate_factor=0.1",
                           "divergence.limit=4"};
  const Outcome alone = train_with(0, "alone", lower);
  EXPECT_EQ(alone.code, 0) << alone.err;
  EXPECT_GT(count(alone.err, "  back from step "), 0) << alone.err;
  EXPECT_NE(alone.err.find("to step 0 with 0.1 x the learning rate, 1 of at most 4 times"),
            std::string::npos)
      << alone.err;
  const Outcome three = train_with(3, "three", lower);
  EXPECT_EQ(count(three.err, "  back from step "), count(alone.err, "  back from step "));
  EXPECT_TRUE(latest("three") == latest("alone"));

  Process process(train(2, "killed", options(lower), {mark("killed")}));
  ASSERT_TRUE(wait_until(60, [&] { return process.err().find("back from") != std::string::npos; }));
  for (const pid_t pid : ranks_with(mark("killed"))) ::kill(pid, SIGKILL);
  (void)process.wait(30);
  EXPECT_EQ(train_with(3, "killed", lower, {"--resume", "auto"}).code, 0);
  EXPECT_TRUE(latest("killed") == latest("alone"));
}

// Loss and gradient of the first step are finite, but not the parameters after it, or not the
// optimizer's state: the squares of gradients.
TEST_F(DivergenceTest, WhatAnUpdateMakesInfiniteIsNeitherSavedNorKept) {
  std::string rows;
  for (int row = 0; row < 100; ++row)
    rows += fmt::format("{}e12,{}e12\n", row % 7 + 1, row % 2 + 1);
  write_regression(rows, "");
  const std::string every = "checkpoint.every=\"1 steps\"";
  for (const Arguments& fault : {Arguments{every, "optimizer.lr=1e30"},
                                 {every, "optimizer.lr=1e-9", "optimizer.type=adam"}}) {
    for (const int ranks : {0, 3}) {
      const std::string run = fmt::format("{}{}", fault.size(), ranks);
      const Outcome outcome =
          train_with(ranks, run, fault, {"--set", "divergence.action=rollback"});
      EXPECT_EQ(outcome.code, 80) << outcome.err;
      EXPECT_EQ(count(outcome.err, "is not finite after step 1, which is not saved"), 4)
          << outcome.err;
      EXPECT_EQ(count(outcome.err, "  back from step 1 to step 0"), 3) << outcome.err;
      EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
    }
    const auto file = fmt::format("{}0/checkpoints/latest.h5", fault.size());
    EXPECT_EQ(system_test::run(command_in(directory_, 0, {"inspect", file, "--verify"})).code, 0);
    EXPECT_TRUE(latest(fmt::format("{}0", fault.size())) ==
                latest(fmt::format("{}3", fault.size())));
    const Outcome skip = train_with(2, fmt::format("skip{}", fault.size()), fault,
                                    {"--set", "divergence.action=skip"});
    EXPECT_EQ(skip.code, 80) << skip.err;
    EXPECT_EQ(count(skip.err, "skipped,"), 0) << skip.err;
  }
}

TEST_F(DivergenceTest, WhatDoesNotHelpEnds) {
  write_bad_row();
  const std::string rollback = "divergence.action=rollback";
  const Outcome back = train_with(3, "back", {rollback, "checkpoint.every=\"3 steps\""});
  EXPECT_EQ(back.code, 80) << back.err;
  EXPECT_EQ(count(back.err, "  back from step "), 3) << back.err;
  EXPECT_EQ(count(back.err, "error:"), 1) << back.err;
  write_steep();
  const Outcome skips = train_with(2, "skips", {"divergence.action=skip", "optimizer.lr=1e30"});
  EXPECT_EQ(skips.code, 80) << skips.err;
  EXPECT_EQ(count(skips.err, "skipped, 3 of at most 3 in a row"), 1) << skips.err;
}

// A writer that was taken for dead and is not: what the other has saved is not its to set aside.
TEST_F(DivergenceTest, WhoseDirectoryWasTakenRollsNothingBack) {
  directory_.write("config.toml", small_config("steps = 100_000_000"));
  Process process(train(
      2, "taken",
      options({"divergence.action=rollback", "checkpoint.best=none",
               "checkpoint.every=\"1000000 epochs\""}),
      {mark("taken"), preloading(directory_, LOCKSTEP_FAULTY_RANK), "LOCKSTEP_TEST_FAULT=nan"}));
  ASSERT_TRUE(trains("taken", 50));
  const std::string other = "taken/checkpoints/step-99999999.h5";
  directory_.write(other, "the other's");
  directory_.write("taken/LOCK.2", "process 7 on host elsewhere\n");
  ::kill(rank_with(mark("taken"), 1), SIGUSR2);
  const Outcome outcome = process.wait(20);
  EXPECT_EQ(outcome.code, 73) << outcome.err;
  EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
  EXPECT_EQ(read_text(directory_ / other), "the other's");
}

TEST_F(DivergenceTest, ANaNOfOneRankIsDecidedUponByAll) {
  directory_.write("config.toml", small_config("steps = 1200"));
  const Outcome stop = run_with("nan", 3, 2, "stop", {});
  EXPECT_EQ(stop.code, 80) << stop.err;
  EXPECT_EQ(count(stop.err, "error:"), 1) << stop.err;
  EXPECT_NE(stop.err.find(" is not finite"), std::string::npos) << stop.err;
  // It does not happen again: the checkpoint is good.
  EXPECT_EQ(train_with(2, "stop", {}, {"--resume", "auto"}).code, 0);
  EXPECT_TRUE(latest("stop") == whole("whole", {}));

  const Outcome skip = run_with("nan", 2, 1, "skip", {"divergence.action=skip"});
  EXPECT_EQ(skip.code, 0) << skip.err;
  EXPECT_EQ(count(skip.err, "skipped, 1 of at most 3 in a row"), 1) << skip.err;

  const Arguments same_rate = {"divergence.action=rollback", "divergence.rate_factor=1"};
  const Outcome back = run_with("nan", 4, 0, "back", same_rate);
  EXPECT_EQ(back.code, 0) << back.err;
  EXPECT_EQ(count(back.err, "  back from step "), 1) << back.err;
  EXPECT_EQ(digest_of(back), digest_of(train_with(3, "undisturbed", same_rate)));
  EXPECT_NE(digest_of(back), digest_of(skip));
}

}  // namespace
}  // namespace lockstep::system_test
