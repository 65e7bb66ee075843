#include "cli/terminal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "lockstep/comm/environment.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/run/version.hpp"

namespace lockstep::cli {
namespace {

const TerminalStyle kPipe{};
const TerminalStyle kWide{.bar = true, .colour = true, .columns = 100};

Network a_network() {
  Network network(Shape{8, 8, 1});
  network.add(flatten(), "flatten");
  network.add(linear(128), "fc1");
  network.add(relu(), "relu_2");
  network.add(linear(10), "fc2");
  return network;
}

RunStart a_start() {
  RunStart start;
  start.name = "mlp";
  start.directory = "runs/mlp";
  start.config_file = "mlp.toml";
  start.overrides = 2;
  start.seed = 42;
  start.ranks = 4;
  start.threads = 2;
  start.nodes = {"n1", "n1", "n2", "n2"};
  start.instruction_sets = {"x86-64-v3", "x86-64-v4", "x86-64-v4", "x86-64-v4"};
  start.input_type = "uint8";
  start.train_samples = 60'000;
  start.val_samples = 10'000;
  start.batch = 256;
  start.microbatches = 8;
  start.steps_per_epoch = 235;
  start.total_steps = 1'175;
  return start;
}

StepEvent a_step(std::uint64_t number) {
  StepEvent step;
  step.step = number;
  step.loss = 0.312;
  step.samples = 256;
  step.seconds = 0.01;
  step.times[Part::exposed] = 0.0006;
  return step;
}

EpochEvent an_epoch() {
  EpochEvent epoch;
  epoch.epoch = 2;
  epoch.epochs = 5;
  epoch.step = 470;
  epoch.steps = 235;
  epoch.train = {{"loss", 0.0981}, {"acc", 0.97}};
  epoch.val = {{"loss", 0.0592}, {"acc", 0.9809}};
  epoch.best = true;
  epoch.learning_rate = 0.1809;
  epoch.samples_per_second = 18'028;
  epoch.seconds = 3.3;
  return epoch;
}

CheckpointEvent a_checkpoint() { return {470, "checkpoints/step-00000470.h5", "8c1e", 0.02, 100}; }

RunEnd an_end() {
  RunEnd end;
  end.status = "done";
  end.step = 1'175;
  end.epochs = 5;
  end.seconds = 16.9;
  end.samples_per_second = 18'028;
  end.digest = "8c1e0a52";
  end.milestones = {
      {0.5, 12, 0.3}, {0.45, 14, 0.4}, {0.3, 25, 0.9}, {0.15, 1'061, 4.1}, {0.05, 0, -1}};
  end.best = BestMetric{"val/acc", 0.9887, 940};
  return end;
}

class TerminalTest : public testing::Test {
 protected:
  Terminal terminal(TerminalStyle style) {
    return {out_, err_, style, "trainer train mlp.toml", [this] { return now_; }};
  }
  /// What was printed since the last call.
  std::string printed() {
    std::string text = out_.str();
    out_.str("");
    return text;
  }

  std::ostringstream out_;
  std::ostringstream err_;
  double now_ = 61'200;  // 17:00:00 on the first day of 1970
};

TEST_F(TerminalTest, HeaderSaysWhatTheRunIs) {
  Terminal t = terminal(kPipe);
  const Network network = a_network();
  RunStart start = a_start();
  start.network = &network;
  start.memory = {.activations = Index{3} << 30,
                  .gradients = 39'000,
                  .parameters = 512,
                  .optimizer = 1024,
                  .data = 2048,
                  .node = Index{5} << 30,
                  .most = Index{7} << 30};
  start.notes = {"last batch has 96 samples, weighted exactly"};
  t.on_start(start);
  EXPECT_EQ(printed(), version_line() + "  4 ranks x 2 threads on 2 nodes (n1:2 n2:2)  " +
                           mpi_library() + "  x86-64-v3:1 x86-64-v4:3" + R"(
run    runs/mlp     config mlp.toml (2 overrides)     seed 42
data   train 60,000  val 10,000  8x8x1 uint8    batch 256 global = 64 per rank, 8 microbatches, 235 steps per epoch
memory 5.0 GiB per node, at most 7.0 GiB while it starts or saves
       per rank 3.0 GiB activations, 38.1 KiB gradients, 1.0 KiB optimizer
       per node 512 B parameters, 2.0 KiB data
note   last batch has 96 samples, weighted exactly

  #  layer    type     output  params  MFLOP/sample
  0  flatten  flatten      64       0          0.00
  1  fc1      linear      128   8,320          0.02
  2  relu_2   relu        128       0          0.00
  3  fc2      linear       10   1,290          0.00
     total                      9,610          0.02

)");
}

TEST_F(TerminalTest, HeaderOfAResumeNamesTheCheckpoint) {
  Terminal t = terminal(kPipe);
  RunStart start = a_start();
  start.segment = 2;
  start.first_step = 470;
  start.resumed_from = "runs/mlp/checkpoints/step-00000470.h5";
  start.val_samples = 359;
  start.held_out = true;
  start.ranks = 3;
  t.on_start(start);
  const std::string text = printed();
  EXPECT_NE(text.find("resume runs/mlp/checkpoints/step-00000470.h5 at step 470, segment 2\n"),
            std::string::npos);
  EXPECT_NE(text.find("val 359 held out"), std::string::npos);
  EXPECT_NE(text.find("batch 256 global, 8 microbatches"), std::string::npos);
}

TEST_F(TerminalTest, EpochLine) {
  Terminal t = terminal(kPipe);
  t.on_epoch(an_epoch());
  t.on_checkpoint(a_checkpoint());
  EXPECT_EQ(printed(),
            "epoch  2/5   235 steps   loss 0.09810  val 0.05920  acc 98.09 % *lr 0.1809  "
            "18.0k samples/s  0:03.3   checkpoint step 470\n");
}

TEST_F(TerminalTest, CheckpointBeforeTheEpochLineIsOnItToo) {
  Terminal t = terminal(kPipe);
  t.on_checkpoint(a_checkpoint());
  t.on_epoch(an_epoch());
  EXPECT_TRUE(printed().ends_with("0:03.3   checkpoint step 470\n"));
}

TEST_F(TerminalTest, CheckpointOfAnotherStepIsNotOnIt) {
  Terminal t = terminal(kPipe);
  CheckpointEvent checkpoint = a_checkpoint();
  checkpoint.step = 300;
  t.on_checkpoint(checkpoint);
  t.on_epoch(an_epoch());
  t.on_step(a_step(471));
  EXPECT_TRUE(printed().ends_with("0:03.3\n"));
}

TEST_F(TerminalTest, RegressionShowsR2) {
  Terminal t = terminal(kPipe);
  EpochEvent epoch = an_epoch();
  epoch.train = {{"loss", 0.5}, {"rmse", 0.7}, {"r2", 0.8}};
  epoch.val = {{"loss", 0.6}, {"rmse", 0.8}, {"r2", 0.75}};
  epoch.best = false;
  t.on_epoch(epoch);
  t.on_end(RunEnd{});
  EXPECT_NE(printed().find("loss 0.5000  val 0.6000  r2 0.7500  lr 0.1809"), std::string::npos);
}

TEST_F(TerminalTest, WithoutValidationTheTrainingFigureIsNamedAsSuch) {
  Terminal t = terminal(kPipe);
  EpochEvent epoch = an_epoch();
  epoch.val.clear();
  epoch.best = false;
  t.on_epoch(epoch);
  t.on_end(RunEnd{});
  EXPECT_NE(printed().find("loss 0.09810  train acc 97.00 %  lr"), std::string::npos);
}

TEST_F(TerminalTest, APipeGetsALineNowAndThen) {
  Terminal t = terminal(kPipe);
  t.on_start(a_start());
  printed();
  for (std::uint64_t step = 1; step <= 20; ++step) {
    now_ += 1;  // more than 10 s, less than 10 % of the epoch
    t.on_step(a_step(step));
  }
  EXPECT_EQ(printed(), "");
  for (std::uint64_t step = 21; step <= 24; ++step) t.on_step(a_step(step));
  EXPECT_EQ(printed(),
            "17:00:20 UTC  epoch  1/5  24/235  loss 0.3120  25.6k samples/s  comm 6%  eta 0:12\n");
  for (std::uint64_t step = 25; step <= 235; ++step) t.on_step(a_step(step));  // less than 10 s
  EXPECT_EQ(printed(), "");
}

TEST_F(TerminalTest, TheBarIsDrawnInPlace) {
  Terminal t = terminal(kWide);
  t.on_start(a_start());
  printed();
  t.on_step(a_step(142));
  EXPECT_EQ(printed(), "\repoch  1/5  [" + std::string(15, '=') + ">" + std::string(11, ' ') +
                           "]  142/235  loss 0.3120  25.6k samples/s  comm 6%  eta 0:10");
}

TEST_F(TerminalTest, TheBarIsRedrawnTenTimesASecondAtMost) {
  Terminal t = terminal(kWide);
  t.on_start(a_start());
  printed();
  int drawn = 0;
  for (std::uint64_t step = 1; step <= 200; ++step) {
    now_ += 0.01;
    t.on_step(a_step(step));
    if (!printed().empty()) ++drawn;
  }
  EXPECT_LE(drawn, 20);
  EXPECT_GE(drawn, 18);
}

TEST_F(TerminalTest, TheBarIsGoneBeforeTheEpochLine) {
  Terminal t = terminal(kWide);
  t.on_start(a_start());
  t.on_step(a_step(470));
  printed();
  t.on_epoch(an_epoch());
  t.on_checkpoint(a_checkpoint());
  const std::string text = printed();
  EXPECT_TRUE(text.starts_with("\r" + std::string(99, ' ') + "\repoch  2/5   235 steps"));
  EXPECT_NE(text.find("98.09 % \x1b[32m*\x1b[0mlr"), std::string::npos);
}

TEST_F(TerminalTest, ANarrowTerminalGetsNumbersWithoutABar) {
  Terminal t = terminal({.bar = true, .colour = false, .columns = 50});
  t.on_start(a_start());
  printed();
  t.on_step(a_step(142));
  EXPECT_EQ(printed(), "\repoch  1/5  142/235  loss 0.3120  25.6k samples/s");
}

TEST_F(TerminalTest, TheEpochLineIsShortWhereItWouldNotFit) {
  int columns = 80;
  Terminal t = terminal({.bar = true, .columns = columns, .width = [&] { return columns; }});
  const auto line = [&] {
    t.on_epoch(an_epoch());
    t.on_checkpoint(a_checkpoint());
    return printed();
  };
  EXPECT_EQ(line(), "epoch  2/5  loss 0.09810  val 0.05920  acc 98.09 % *lr 0.1809  0:03.3\n");
  columns = 140;  // the window was made wider
  EXPECT_TRUE(line().ends_with("0:03.3   checkpoint step 470\n"));
  columns = 100;  // too narrow for all of it
  EXPECT_TRUE(line().ends_with("18.0k samples/s  0:03.3\n"));
  columns = 40;
  EXPECT_EQ(line(), "epoch  2/5  loss 0.09810  val 0.05920  \n");
}

TEST_F(TerminalTest, TheBarFollowsTheWidthOfTheWindow) {
  int columns = 100;
  Terminal t = terminal({.bar = true, .columns = columns, .width = [&] { return columns; }});
  t.on_start(a_start());
  t.on_step(a_step(142));
  printed();
  columns = 50;
  now_ += 1;
  t.on_step(a_step(143));
  EXPECT_EQ(printed().size(), 1u + 49u);
}

TEST_F(TerminalTest, NoEscapeCodesWithoutColour) {
  for (const TerminalStyle& style : {kPipe, TerminalStyle{.bar = true, .columns = 100}}) {
    Terminal t = terminal(style);
    t.on_start(a_start());
    t.on_step(a_step(1));
    t.on_epoch(an_epoch());
    t.on_warning("careful");
    t.on_end(an_end());
    EXPECT_EQ(printed().find('\x1b'), std::string::npos);
  }
}

TEST_F(TerminalTest, AFinishedRun) {
  Terminal t = terminal(kPipe);
  t.on_start(a_start());
  printed();
  t.on_end(an_end());
  EXPECT_EQ(printed(), R"(
error  50 % after 12 steps, 45 % 14, 30 % 25, 15 % 1,061, 5 % not reached (4.1 s)

done   5 epochs, 1,175 steps in 0:16.9   best val/acc 98.87 % (step 940)   runs/mlp/checkpoints/best.h5
speed  18.0k samples/s
digest 8c1e0a52
)");
}

TEST_F(TerminalTest, OnlyTheNextBoundIsNamedAsNotReached) {
  Terminal t = terminal(kPipe);
  RunEnd end;
  end.milestones = {{0.5, 0, -1}, {0.3, 0, -1}};
  t.on_end(end);
  EXPECT_EQ(printed(), "\nerror  50 % not reached\n");
}

TEST_F(TerminalTest, APreemptedRunTellsHowToGoOn) {
  for (const std::string directory : {"runs/mlp", "/data/my run"}) {
    Terminal t = terminal(kPipe);
    RunStart start = a_start();
    start.directory = directory;
    t.on_start(start);
    printed();
    RunEnd end;
    end.status = "preempted";
    end.reason = "SIGUSR1";
    end.step = 470;
    t.on_end(end);
    EXPECT_EQ(printed(),
              "\nstopped by SIGUSR1 at step 470, checkpoint complete; resume with:\n"
              "  trainer train mlp.toml --resume auto" +
                  std::string(directory == "runs/mlp" ? "" : " --run-dir '/data/my run'") + "\n");
    end.step = 0;
    t.on_end(end);
    EXPECT_TRUE(printed().starts_with(
        "\nstopped by SIGUSR1 at step 0, before anything was to be saved; resume with:\n"));
  }
}

TEST_F(TerminalTest, AFailedRunNamesTheLastCheckpoint) {
  Terminal t = terminal(kPipe);
  t.on_start(a_start());
  printed();
  RunEnd end;
  end.status = "failed";
  end.step = 500;
  end.checkpoint = "checkpoints/step-00000470.h5";
  t.on_end(end);
  EXPECT_EQ(printed(),
            "\nfailed at step 500; last checkpoint: runs/mlp/checkpoints/step-00000470.h5\n");
}

TEST_F(TerminalTest, WarningsGoToTheOtherStream) {
  Terminal t = terminal(kPipe);
  t.on_warning("disk full");
  EXPECT_EQ(printed(), "");
  EXPECT_EQ(err_.str(), "trainer: warning: disk full\n");
}

TEST_F(TerminalTest, TheLogHasEverythingButTheBar) {
  std::string name = (std::filesystem::temp_directory_path() / "terminal-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  {
    Terminal t = terminal(kWide);
    RunStart start = a_start();
    start.directory = name;
    start.log = std::make_shared<AppendedFile>(Directory(name), "log.txt");
    t.on_start(start);
    t.on_step(a_step(1));
    t.on_epoch(an_epoch());
    t.on_warning("disk full");
    t.on_warning("bad\x1b[2J\ntrainer: done\n  try again");
    t.on_end(an_end());
  }
  std::ifstream file(name + "/log.txt");
  std::ostringstream log;
  log << file.rdbuf();
  std::filesystem::remove_all(name);
  EXPECT_NE(log.str().find("run    " + name), std::string::npos);
  EXPECT_NE(log.str().find("98.09 % *lr"), std::string::npos);
  EXPECT_NE(log.str().find("trainer: warning: disk full\n"), std::string::npos);
  EXPECT_NE(log.str().find("bad\\x1b[2J\\ntrainer: done\n  try again\n"), std::string::npos);
  EXPECT_NE(log.str().find("done   5 epochs"), std::string::npos);
  EXPECT_EQ(log.str().find_first_of("\r\x1b"), std::string::npos);
}

TEST(TerminalStyleTest, ABarNeedsATerminalOfKnownWidth) {
  EXPECT_TRUE(style_of(true, 80, "", "xterm").bar);
  EXPECT_FALSE(style_of(false, 80, "", "xterm").bar);
  EXPECT_FALSE(style_of(true, 0, "", "xterm").bar);  // below mpirun
  EXPECT_FALSE(style_of(true, 0, "", "xterm").colour);
  EXPECT_TRUE(style_of(true, 80, "", "xterm").colour);
  EXPECT_FALSE(style_of(true, 80, "1", "xterm").colour);
  EXPECT_FALSE(style_of(true, 80, "", "dumb").colour);
  EXPECT_FALSE(style_of(true, 80, "", "dumb").bar);  // it cannot go back in a line
}

}  // namespace
}  // namespace lockstep::cli
