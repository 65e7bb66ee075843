// Ranks that were told different things, by mpirun -np 1 A : -np 1 B or by what they find: all
// leave together before anything is done, and one message names rank, key and values.
#include "io/hdf5_testing.hpp"
#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

class ToldDifferentlyTest : public FaultTest {
 protected:
  ToldDifferentlyTest() : FaultTest("steps = 20") {
    directory_.write("other.toml", small_config("steps = 30"));
    directory_.write("broken.toml", small_config("steps = 0"));
    std::filesystem::create_directory(directory_.path() / "elsewhere");
  }

  /// One part of the job: ranks of one command line, in a directory.
  struct Part {
    Arguments arguments;
    std::string directory = ".";
    int ranks = 1;
  };

  static Part training(const Arguments& more = {}, const std::string& config = "config.toml") {
    Part part{.arguments = {"train", config, "--run-dir", "run"}};
    part.arguments.insert(part.arguments.end(), more.begin(), more.end());
    return part;
  }

  [[nodiscard]] Outcome run_parts(const std::vector<Part>& parts) const {
    std::filesystem::remove_all(directory_.path() / "run");
    Arguments line = {LOCKSTEP_MPIEXEC, "-q", "--oversubscribe"};
    for (const Part& part : parts) {
      if (&part != &parts.front()) line.emplace_back(":");
      line.insert(line.end(), {"-np", std::to_string(part.ranks), "-wdir",
                               directory_ / part.directory, LOCKSTEP_TRAINER});
      line.insert(line.end(), part.arguments.begin(), part.arguments.end());
    }
    return system_test::run({line, directory_.path(), launch_environment()});
  }

  void expect_refused(const Outcome& outcome, int code, const std::string& message) const {
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_EQ(count(outcome.err, message), 1) << message << "\n  in: " << outcome.err;
    EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
  }
};

TEST_F(ToldDifferentlyTest, KeysOptionsAndCommandsAreNamed) {
  const auto value = [](const std::string& assignment) { return Arguments{"--set", assignment}; };
  const std::vector<std::pair<Part, std::string>> cases = {
      {training(value("optimizer.lr=0.01")), "optimizer.lr: 0.002 on rank 0, 0.01 on rank 1"},
      {training(value("data.batch=24")), "data.batch: 48 on rank 0, 24 on rank 1"},
      {training(value("audit.every=\"3 steps\"")), "audit.every: "},
      {training({"--ranks-per-node", "1"}), "--ranks-per-node: not given on rank 0, 1 on rank 1"},
      {training({"--dry-run"}), "--dry-run: not given on rank 0, true on rank 1"},
      {training({"--max-steps", "5"}), "--max-steps: not given on rank 0, 5 on rank 1"},
      {training({}, "other.toml"), "run.steps: 20 on rank 0, 30 on rank 1"},
      {Part{.arguments = {"eval", "latest.h5"}}, "command: train on rank 0, eval on rank 1"},
      {Part{.arguments = {"config", "show", "config.toml"}},
       "command: train on rank 0, config show on rank 1"},
      {Part{.arguments = {"--version"}}, "command: train on rank 0, not given on rank 1"},
  };
  for (const auto& [other, message] : cases) {
    const Outcome outcome = run_parts({training(), other});
    expect_refused(outcome, 78, message);
    EXPECT_EQ(count(outcome.err, "rank 1 on "), 1) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "run"));
  }
}

TEST_F(ToldDifferentlyTest, OneRankAloneFindsItsConfigurationWrong) {
  const std::string who = "so it is for rank 1 on ";
  expect_refused(run_parts({training(), training({}, "broken.toml")}), 78, who);
  expect_refused(run_parts({training(), training({}, "missing.toml")}), 78, who);
  expect_refused(run_parts({training(), training({"--set", "optimizer.lr=x"})}), 78, who);
  const Outcome outcome = run_parts({training(), training({"--max-steps", "x"})});
  expect_refused(outcome, 64, "rank 1 of 2: ");
}

TEST_F(ToldDifferentlyTest, WhatChangesNothingMayDiffer) {
  // The same in other words; other threads; a directory without the files, which rank 0 reads.
  Part other = training({"--threads", "3", "--set", "optimizer.lr=0.002", "--seed", "0"});
  other.directory = "elsewhere";
  other.ranks = 2;
  const Outcome outcome = run_parts({training({"--threads", "1"}), other});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const std::string end = latest("run");
  EXPECT_EQ(system_test::run(train(0, "alone")).code, 0);
  EXPECT_TRUE(end == latest("alone"));
}

class OtherFilesTest : public ToldDifferentlyTest {
 protected:
  OtherFilesTest() {
    write_hdf5_set(here(), 1503, 20, 3);
    directory_.write("config.toml", replaced(small_config("epochs = 2"), "train = \"data.csv\"",
                                             "train = \"train.h5\"\nmemory = \"64 KiB\""));
  }

  [[nodiscard]] std::string here() const { return directory_ / "train.h5"; }
  [[nodiscard]] std::string there() const { return directory_ / "elsewhere/train.h5"; }

  /// A rank here, and two in another directory.
  [[nodiscard]] Outcome run_apart(const Arguments& more) const {
    Part other = training(more);
    other.directory = "elsewhere";
    other.ranks = 2;
    return run_parts({training(more), other});
  }
};

TEST_F(OtherFilesTest, ANodeWhoseStreamedNumbersDifferIsNamed) {
  const Arguments nodes = {"--ranks-per-node", "1,2"};
  expect_refused(run_apart(nodes), 66, "so says rank 1 on ");
  write_hdf5_set(there(), 1502, 20, 3);
  expect_refused(run_apart(nodes), 65, " finds 1502 x 20 of numbers where rank 0 finds ");
  std::string bytes = read_text(here());
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  directory_.write("elsewhere/train.h5", bytes);
  const Outcome outcome = run_apart(nodes);
  expect_refused(outcome, 65, " on other numbers are read by rank ");
  EXPECT_EQ(count(outcome.err, "train.h5: /x: from sample "), 1) << outcome.err;
  std::filesystem::copy_file(here(), there(), std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(run_apart(nodes).code, 0);
}

TEST_F(OtherFilesTest, RanksOfOneNodeReadTheSameFile) {
  std::filesystem::copy_file(here(), there());
  expect_refused(run_apart({}), 65, " finds another file there than the first rank of ");
}

}  // namespace
}  // namespace lockstep::system_test
