// `trainer scale` as a user has it: it starts mpirun itself, writes its files, and stops on a
// signal with what it has.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

namespace fs = std::filesystem;

class ScaleTest : public testing::Test {
 protected:
  ScaleTest() {
    fs::create_symlink(fs::path(LOCKSTEP_SOURCE_DIR) / "datasets", directory_.path() / "datasets");
    fs::create_symlink(fs::path(LOCKSTEP_SOURCE_DIR) / "scripts", directory_.path() / "scripts");
  }

  [[nodiscard]] Command scale(Arguments more, const Arguments& environment = {}) const {
    more.insert(more.begin(), {"scale", "scripts/configs/digits-mlp.toml"});
    Command command = command_in(directory_, 0, more);
    command.environment.insert(command.environment.end(), environment.begin(), environment.end());
    return command;
  }
  [[nodiscard]] fs::path path(const std::string& name) const { return directory_.path() / name; }
  [[nodiscard]] int lines(const std::string& file) const {
    return count(read_text(path(file)), "\n");
  }

  TemporaryDirectory directory_;
};

TEST_F(ScaleTest, MeasuresAllPointsAndFindsTheSameState) {
  const Outcome outcome =
      run(scale({"--ranks", "1,2", "--repeat", "2", "--steps", "10", "--warmup", "2"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_NE(outcome.out.find("[4/4] np "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("digest after 12 steps: identical in all 4 runs ("), std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("fit    refused: "), std::string::npos) << outcome.out;

  const std::string out = "runs/scale-digits-mlp";
  EXPECT_EQ(lines(out + "/scaling.csv"), 3);
  EXPECT_EQ(lines(out + "/scaling.jsonl"), 4 * 10);
  EXPECT_TRUE(read_text(path(out + "/report.html")).ends_with("</html>\n"));
  EXPECT_EQ(metric_lines(path(out + "/runs/np2-t1-2"), "step").size(), 12u);
  EXPECT_FALSE(fs::exists(path(out + "/runs/np2-t1-2/checkpoints")));
}

TEST_F(ScaleTest, TheStateIsThatOfAnOrdinaryRun) {
  const Outcome scaled = run(scale({"--ranks", "2", "--repeat", "1", "--steps", "30", "--warmup",
                                    "0", "--set", "run.epochs=60", "--json"}));
  ASSERT_EQ(scaled.code, 0) << scaled.err;
  EXPECT_NE(scaled.err.find("[1/1] np 2 x 1  step "), std::string::npos) << scaled.err;
  const auto json = nlohmann::json::parse(scaled.out);
  const Outcome ordinary = run(command_in(
      directory_, 0,
      {"train", "scripts/configs/digits-mlp.toml", "--max-steps", "30", "--set", "run.epochs=60"}));
  ASSERT_EQ(ordinary.code, 75) << ordinary.err;
  const auto digest = json.at("digests").at(0).at("digest").get<std::string>();
  EXPECT_NE(ordinary.out.find("digest " + digest), std::string::npos) << ordinary.out;
}

TEST_F(ScaleTest, WeakScalingGrowsTheBatch) {
  const Outcome outcome = run(scale({"--ranks", "1,2", "--mode", "weak", "--repeat", "1", "--steps",
                                     "8", "--warmup", "1", "--out", "weak"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::string first = metric_lines(path("weak/runs/np2-t1-1"), "step").front();
  EXPECT_EQ(nlohmann::json::parse(first).at("samples"), 128);
  EXPECT_NE(outcome.out.find("identical in all runs of equal ranks"), std::string::npos);
}

TEST_F(ScaleTest, ASignalLeavesWhatIsFinishedAndNoProcess) {
  const struct {
    int signal;
    int code;
  } cases[] = {{SIGINT, 130}, {SIGTERM, 143}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.signal);
    const std::string mark = fmt::format("LOCKSTEP_SCALE_TEST={}-{}", ::getpid(), c.signal);
    const std::string out = fmt::format("stopped-{}", c.signal);
    // The second run would go on for minutes.
    Process process(scale({"--ranks", "1,2", "--repeat", "1000", "--out", out}, {mark}));
    ASSERT_TRUE(wait_until(60, [&] { return process.out().find("[   2/") != std::string::npos; }));
    ASSERT_TRUE(wait_until(20, [&] { return processes_with(mark).size() >= 3; }))
        << "no run is under way";
    process.send(c.signal);
    const Outcome outcome = process.wait(20);
    EXPECT_EQ(outcome.code, c.code) << outcome.err;
    EXPECT_TRUE(wait_until(1, [&] { return processes_with(mark).empty(); }));
    EXPECT_NE(outcome.out.find("identical in all "), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.err.find("trainer: stopped by SIG"), std::string::npos) << outcome.err;
    EXPECT_GE(lines(out + "/scaling.jsonl"), 2 * 10);
    EXPECT_TRUE(read_text(path(out + "/report.html")).ends_with("</html>\n"));
  }
}

TEST_F(ScaleTest, ItsEndIsThatOfTheRunUnderWay) {
  const struct {
    int signal;
    int code;
    std::string words;
  } cases[] = {{SIGINT, 130, "stopped by SIGINT after 0 of 1 runs"}, {SIGKILL, 137, ""}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.signal);
    const std::string mark = fmt::format("LOCKSTEP_SCALE_TEST={}-{}-long", ::getpid(), c.signal);
    const std::string out = fmt::format("long-{}", c.signal);
    // One run of minutes.
    Process process(scale({"--ranks", "2", "--repeat", "1", "--steps", "100000", "--out", out,
                           "--set", "layer.fc1.out=4096"},
                          {mark}));
    ASSERT_TRUE(wait_until(
        60, [&] { return !metric_lines(path(out + "/runs/np2-t1-1"), "step").empty(); }));
    process.send(c.signal);
    const Outcome outcome = process.wait(20);
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_EQ(outcome.code, c.code) << outcome.err;
    EXPECT_NE(outcome.err.find(c.words), std::string::npos) << outcome.err;
    EXPECT_TRUE(wait_until(10, [&] { return processes_with(mark).empty(); }));
  }
}

TEST_F(ScaleTest, OtherStatesAreNamedAndTheExitCodeTells) {
  // A launcher under which each run starts from other random numbers.
  const std::string launcher =
      directory_.write("launcher", "#!/bin/sh\nwhile [ \"$1\" != '" LOCKSTEP_TRAINER
                                   "' ]; do shift; done\nexec \"$@\" --seed $$\n");
  fs::permissions(launcher, fs::perms::owner_all);
  const Outcome outcome = run(scale(
      {"--ranks", "1,2", "--repeat", "1", "--steps", "5", "--out", "other", "--mpirun", launcher}));
  EXPECT_EQ(outcome.code, 81) << outcome.err;
  EXPECT_NE(outcome.out.find("digest after 15 steps: NOT IDENTICAL"), std::string::npos);
  EXPECT_NE(outcome.err.find("1 run  2 x 1"), std::string::npos) << outcome.err;
  EXPECT_NE(read_text(path("other/report.html")).find("NOT IDENTICAL"), std::string::npos);
}

TEST_F(ScaleTest, ARunThatFailsIsShownInItsOwnWords) {
  const Outcome outcome = run(scale({"--ranks", "2", "--set", "data.train=none.csv"}));
  EXPECT_EQ(outcome.code, 66) << outcome.err;
  EXPECT_EQ(count(outcome.err, "none.csv"), 2) << "its words, and its command: " << outcome.err;
  EXPECT_EQ(count(outcome.err, "mpirun detected"), 0) << outcome.err;
}

TEST_F(ScaleTest, WhatCannotBeDoneIsRefusedBeforeAnythingStarts) {
  directory_.write("taken/file", "");
  fs::create_directories(path("full"));
  directory_.write("full/file", "");
  directory_.write("file", "");
  const struct {
    Arguments arguments;
    int code;
    std::string words;
  } cases[] = {
      {{"--ranks", "1,x"}, 64, "'1,x' is no list of numbers from 1"},
      {{"--ranks", "0"}, 64, "no list"},
      {{"--ranks", "1,"}, 64, "no list"},
      {{"--ranks", ""}, 64, "--ranks: expected LIST, found an empty text"},
      {{"--ranks", "99999999999"}, 64, "no list"},
      {{"--ranks", "1", "--threads", "-1"}, 64, "--threads: '-1'"},
      {{"--ranks", "1", "--mode", "both"}, 64, "--mode"},
      {{"--ranks", "1", "--repeat", "0"}, 64, "--repeat"},
      {{"--ranks", "128"}, 64, "--set data.batch=128"},
      {{"--ranks", "1", "--mpirun", "nowhere/mpirun"}, 71, "nowhere/mpirun"},
      {{"--ranks", "1", "--out", "full"}, 73, "not empty, nothing was overwritten"},
      {{"--ranks", "1", "--out", "file/below"}, 73, "--out DIR"},
      {{"--ranks", "1", "--set", "run.epoch=3"}, 78, "did you mean 'epochs'"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.arguments));
    const Outcome outcome = run(scale(c.arguments));
    EXPECT_EQ(outcome.code, c.code) << outcome.err;
    EXPECT_NE(outcome.err.find(c.words), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
  const Outcome nested = run(command_in(directory_, 2, {"scale", "x.toml", "--ranks", "1"}));
  EXPECT_EQ(nested.code, 64);
  EXPECT_EQ(count(nested.err, "starts mpirun itself"), 1) << nested.err;
  EXPECT_FALSE(fs::exists(path("runs")));
}

TEST_F(ScaleTest, EarlierExperimentsAreKept) {
  const Arguments small = {"--ranks", "1", "--repeat", "1", "--steps", "1", "--warmup", "0"};
  EXPECT_EQ(run(scale(small)).code, 0);
  EXPECT_EQ(run(scale(small)).code, 0);
  EXPECT_TRUE(fs::exists(path("runs/scale-digits-mlp/scaling.csv")));
  EXPECT_TRUE(fs::exists(path("runs/scale-digits-mlp-2/scaling.csv")));
}

}  // namespace
}  // namespace lockstep::system_test
