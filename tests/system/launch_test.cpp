// `trainer launch`: a training that ends with the same bits whatever is killed meanwhile, that is
// not started again without need or without hope, and of which nothing is left.
#include <sys/stat.h>

#include "system/faults.hpp"

namespace lockstep::system_test {
namespace {

namespace fs = std::filesystem;

/// Steps between two checkpoints.
constexpr int kEvery = 200;

class LaunchTest : public FaultTest {
 protected:
  // Runs of some seconds, in which hardly anything is done but steps.
  LaunchTest() : FaultTest("steps = 3000") {
    directory_.write("config.toml", small_config("steps = 3000") +
                                        fmt::format("[eval]\nevery = \"1000 steps\"\n"
                                                    "[checkpoint]\nevery = \"{} steps\"\n"
                                                    "best = \"none\"\n",
                                                    kEvery));
  }

  [[nodiscard]] Command launch(const Arguments& options, const std::string& run,
                               const Arguments& more = {},
                               const Arguments& environment = {}) const {
    Arguments arguments = {"launch"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    if (std::ranges::find(options, "--mpirun") == options.end()) {
      arguments.insert(arguments.end(), {"--mpirun", LOCKSTEP_MPIEXEC});
    }
    arguments.insert(arguments.end(), {"train", "config.toml", "--run-dir", run});
    arguments.insert(arguments.end(), more.begin(), more.end());
    Command command = command_in(directory_, 0, arguments);
    command.environment.insert(command.environment.end(), environment.begin(), environment.end());
    return command;
  }

  /// The end of a run that nobody disturbed.
  const std::string& undisturbed() {
    if (whole_.empty()) {
      const Outcome outcome = system_test::run(train(0, "whole"));
      EXPECT_EQ(outcome.code, 0) << outcome.err;
      whole_ = latest("whole");
    }
    return whole_;
  }

  /// A program that stands in for another: a shell script of these lines.
  std::string script(const std::string& name, const std::string& lines) const {
    const std::string file = directory_.write(name, "#!/bin/sh\n" + lines);
    ::chmod(file.c_str(), 0755);
    return file;
  }

  [[nodiscard]] std::size_t starts(const std::string& run) const {
    return metric_lines(path(run), "run").size();
  }

  static pid_t parent_of(pid_t pid) {
    const std::string stat = read_text(fmt::format("/proc/{}/stat", pid));
    return std::atoi(stat.c_str() + stat.rfind(')') + 3);
  }

  /// The step of the newest checkpoint; 0 if there is none.
  [[nodiscard]] int saved(const std::string& run) const {
    int newest = 0;
    std::error_code ignored;
    for (const auto& file : fs::directory_iterator(path(run) / "checkpoints", ignored)) {
      const std::string name = file.path().filename().string();
      if (name.starts_with("step-")) newest = std::max(newest, std::atoi(name.c_str() + 5));
    }
    return newest;
  }

  /// Waits until the run of this start has got further than those before, and returns the process
  /// of a rank.
  [[nodiscard]] pid_t rank_of_start(const std::string& run, int start, int rank) const {
    const bool further = wait_until(60, [&] { return saved(run) >= start * kEvery; });
    const pid_t pid = further ? rank_with(mark(run), rank) : 0;
    // Else the signal would go to this process and its group.
    if (pid <= 0) throw std::runtime_error(run + " makes no steps");
    return pid;
  }

  std::string whole_;
};

TEST_F(LaunchTest, WhateverIsKilledItEndsWithTheSameBits) {
  const std::set<std::string> before = shared_segments();
  // More kills than restarts without a new step are allowed.
  Process process(launch({"-np", "2", "--max-restarts", "1"}, "killed", {}, {mark("killed")}));
  ::kill(rank_of_start("killed", 1, 1), SIGKILL);
  ::kill(rank_of_start("killed", 2, 0), SIGKILL);
  const pid_t owner = rank_of_start("killed", 3, 0);  // of LOCK
  const pid_t mpirun = parent_of(owner);
  ASSERT_FALSE(process.ended());
  ::kill(owner, SIGSTOP);  // so that it does not notice
  ::kill(mpirun, SIGKILL);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(starts("killed"), 4u);
  EXPECT_EQ(count(outcome.err, "launch SIGKILL after step "), 3) << outcome.err;
  EXPECT_GE(count(outcome.err, "; again from the checkpoint of step "), 2) << outcome.err;
  EXPECT_TRUE(latest("killed") == undisturbed());
  EXPECT_EQ(status("killed"), "done 0\n");
  EXPECT_TRUE(processes_with(mark("killed")).empty());
  expect_no_segments_but(before);
  for (const auto& file : fs::directory_iterator(fs::temp_directory_path())) {
    EXPECT_FALSE(fs::exists(file.path() / fmt::format("pid.{}", mpirun))) << file.path();
  }
}

// As Open MPI's does now and then when a rank is killed while it starts.
TEST_F(LaunchTest, AnMpirunThatWaitsForNobodyIsEnded) {
  const std::string mpirun = script(
      "mpirun", fmt::format("if mkdir first; then sleep 1; exec sleep 1000; fi\nexec {} \"$@\"\n",
                            LOCKSTEP_MPIEXEC));
  const Outcome outcome =
      system_test::run(launch({"-np", "2", "--mpirun", mpirun}, "forgotten"), 120);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(count(outcome.err, "launch mpirun waits, though none of its ranks is left: killed"), 1)
      << outcome.err;
  EXPECT_EQ(count(outcome.err, "launch SIGKILL after step 0; again from the beginning"), 1)
      << outcome.err;
  EXPECT_TRUE(latest("forgotten") == undisturbed());
}

TEST_F(LaunchTest, AfterThreeRestartsWithoutANewStepItGivesUp) {
  const std::string mpirun =
      script("mpirun", fmt::format("echo start >> starts\n"
                                   "[ -e hopeless/STATUS ] && kill -KILL $$\nexec {} \"$@\"\n",
                                   LOCKSTEP_MPIEXEC));
  Process process(launch({"-np", "2", "--mpirun", mpirun}, "hopeless", {}, {mark("hopeless")}));
  ::kill(rank_of_start("hopeless", 1, 1), SIGKILL);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.code, 137) << outcome.err;
  EXPECT_EQ(count(read_text(directory_ / "starts"), "start"), 4);
  EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
  EXPECT_NE(outcome.err.find("gave up: SIGKILL after step "), std::string::npos) << outcome.err;
  // When the cause is gone, it goes on.
  const Outcome later = system_test::run(launch({"-np", "3"}, "hopeless", {"--resume", "auto"}));
  EXPECT_EQ(later.code, 0) << later.err;
  EXPECT_TRUE(latest("hopeless") == undisturbed());
}

TEST_F(LaunchTest, ALockThatOutlivesItsMachineIsTriedAgain) {
  const std::string mpirun =
      script("mpirun", fmt::format("echo start >> starts\n"
                                   "case $(wc -l < starts) in 1) kill -9 $$;; 2) exit 73;; esac\n"
                                   "exec {} \"$@\"\n",
                                   LOCKSTEP_MPIEXEC));
  const Outcome outcome = system_test::run(launch({"-np", "2", "--mpirun", mpirun}, "held"));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(count(read_text(directory_ / "starts"), "start"), 3) << outcome.err;
  EXPECT_TRUE(latest("held") == undisturbed());
}

TEST_F(LaunchTest, WrongInputIsNotTriedAgain) {
  const std::string mpirun =
      script("mpirun", fmt::format("echo start >> starts\nexec {} \"$@\"\n", LOCKSTEP_MPIEXEC));
  directory_.write("broken.csv", "1,2,0\n1,2\n");
  struct Wrong {
    Arguments arguments;
    int code;
    int starts;  // of mpirun: the configuration is read before it
  };
  int starts = 0;
  for (const Wrong& wrong :
       {Wrong{{"--set", "optimizer.lr=-1.0"}, 78, 0},
        Wrong{{"--set", "data.batch=\"many\""}, 78, 0}, Wrong{{"--no-such-option"}, 64, 0},
        Wrong{{"--set", "data.train=\"nothing.csv\""}, 66, 1},
        Wrong{{"--set", "data.train=\"broken.csv\""}, 65, 1}}) {
    const Outcome outcome =
        system_test::run(launch({"-np", "2", "--mpirun", mpirun}, "wrong", wrong.arguments));
    starts += wrong.starts;
    EXPECT_EQ(outcome.code, wrong.code) << outcome.err;
    EXPECT_EQ(count(read_text(directory_ / "starts"), "start"), starts) << outcome.err;
    EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
  }
  // A name that was not given is not taken either.
  Command unnamed = launch({"-np", "2"}, "", {"--set", "data.train=\"nothing.csv\""});
  std::erase(unnamed.arguments, "--run-dir");
  std::erase(unnamed.arguments, "");
  EXPECT_EQ(system_test::run(unnamed).code, 66);
  EXPECT_FALSE(fs::exists(path("runs/small")));
}

TEST_F(LaunchTest, AStopIsASaveInTheRanks) {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT, SIGHUP}) {
    const std::string run = fmt::format("stopped{}", signal);
    SCOPED_TRACE(run);
    Process process(launch({"-np", "2"}, run, {}, {mark(run)}));
    ASSERT_GT(rank_of_start(run, 1, 0), 0);
    process.send(signal);
    const Outcome outcome = process.wait(20);
    EXPECT_EQ(outcome.code, 75) << outcome.err;
    EXPECT_EQ(status(run), "preempted 75 SIGUSR1\n");
    EXPECT_EQ(starts(run), 1u);
    EXPECT_TRUE(processes_with(mark(run)).empty());
    if (signal != SIGTERM) continue;
    const Outcome later = system_test::run(launch({"-np", "3"}, run, {"--resume", "auto"}));
    EXPECT_EQ(later.code, 0) << later.err;
    EXPECT_TRUE(latest(run) == undisturbed());
  }
}

// mpirun or the ranks may not be there yet, or not heed it.
TEST_F(LaunchTest, AStopIsHeardFromTheFirstInstantOn) {
  for (const double instant : {0.0, 0.02, 0.06, 0.12, 0.25, 0.5}) {
    const std::string run = fmt::format("early{}", instant);
    SCOPED_TRACE(run);
    Process process(launch({"-np", "2"}, run, {"--set", "run.steps=1000000"}, {mark(run)}));
    ASSERT_TRUE(wait_until(10, [&] { return processes_with(mark(run)).size() > 1; }));
    sleep_seconds(instant);
    process.send(SIGTERM);
    const Outcome outcome = process.wait(20);
    EXPECT_EQ(outcome.code, 75) << outcome.err;
    EXPECT_EQ(count(outcome.err, "error:"), 0) << outcome.err;
    // Before or after the ranks heeded it: somebody says what became of the run.
    EXPECT_TRUE(status(run) == "preempted 75 SIGUSR1\n" ||
                outcome.err.find("before the first step: nothing was to be saved") !=
                    std::string::npos)
        << outcome.err;
    EXPECT_TRUE(processes_with(mark(run)).empty());
  }
}

TEST_F(LaunchTest, TheSecondInterruptEndsAllAtOnce) {
  Process process(launch({"-np", "2"}, "impatient", {}, {mark("impatient")}));
  const pid_t rank = rank_of_start("impatient", 1, 1);
  ::kill(rank, SIGSTOP);  // so that no save can end it
  process.send(SIGINT);
  ASSERT_TRUE(wait_until(5, [&] { return in_set(rank, "ShdPnd", SIGUSR1); }));
  EXPECT_FALSE(process.ended());
  process.send(SIGINT);
  const Outcome outcome = process.wait(10);
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  EXPECT_TRUE(processes_with(mark("impatient")).empty());
}

TEST_F(LaunchTest, WithoutTheLauncherNoRankLivesOn) {
  Process process(
      launch({"-np", "2"}, "orphans", {"--set", "run.steps=100000"}, {mark("orphans")}));
  ASSERT_GT(rank_of_start("orphans", 1, 0), 0);
  process.send(SIGKILL);
  process.wait();
  expect_nobody_left(mark("orphans"));
}

// Ctrl-Z reaches the launcher alone.
TEST_F(LaunchTest, SuspendedAndContinued) {
  Process process(launch({"-np", "2"}, "suspended", {}, {mark("suspended")}));
  const pid_t rank = rank_of_start("suspended", 1, 1);
  process.send(SIGTSTP);
  EXPECT_TRUE(wait_until(5, [&] { return state_of(rank) == 'T'; }));
  EXPECT_TRUE(wait_until(5, [&] { return state_of(process.pid()) == 'T'; }));
  process.send(SIGCONT);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(latest("suspended") == undisturbed());
}

// Two hosts of which one is lost: a stand-in for mpirun runs all ranks here, one for ssh answers as
// the hosts would.
TEST_F(LaunchTest, LostSlotsTakeTheirRanksAlong) {
  script("ssh", "for word; do [ \"$word\" = n2 ] && [ -e n2-is-lost ] && exit 255; done\nexit 0\n");
  const std::string mpirun =
      script("mpirun", fmt::format("np=$3 hosts=$5\nshift 5\n"
                                   "case $hosts in *n2*) [ -e n2-is-lost ] && exit 1;; esac\n"
                                   "exec {} -q -np $np \"$@\"\n",
                                   LOCKSTEP_MPIEXEC));
  Process process(
      launch({"--hosts", "n1:1,n2:1", "--mpirun", mpirun}, "smaller", {"--threads", "1"},
             {mark("smaller"),
              fmt::format("PATH={}:{}", directory_.path().string(), std::getenv("PATH"))}));
  const pid_t rank = rank_of_start("smaller", 1, 1);
  directory_.write("n2-is-lost", "");
  ::kill(rank, SIGKILL);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("launch n2 does not answer"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("launch 1 of 2 slots left: 1 rank instead of 2"), std::string::npos)
      << outcome.err;
  const std::vector<std::string> runs = metric_lines(path("smaller"), "run");
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_NE(runs[0].find("\"ranks\":2,"), std::string::npos) << runs[0];
  EXPECT_NE(runs[1].find("\"ranks\":1,"), std::string::npos) << runs[1];
  EXPECT_TRUE(latest("smaller") == undisturbed());
}

TEST_F(LaunchTest, AStopWhileHostsAreAskedIsHeeded) {
  script("ssh", "echo asked > asked\nexec sleep 1000\n");
  const std::string mpirun = script("mpirun", "kill -9 $$\n");
  Process process(
      launch({"--hosts", "n1:1,n2:1", "--mpirun", mpirun}, "asked", {},
             {fmt::format("PATH={}:{}", directory_.path().string(), std::getenv("PATH"))}));
  ASSERT_TRUE(wait_until(20, [&] { return fs::exists(path("asked")); }));
  process.send(SIGTERM);
  const Outcome outcome = process.wait(30);
  EXPECT_EQ(outcome.code, 75) << outcome.err;
  EXPECT_EQ(count(outcome.err, "launch stopped between two starts; the same command goes on"), 1)
      << outcome.err;
  EXPECT_EQ(outcome.err.find("does not answer"), std::string::npos) << outcome.err;
}

TEST_F(LaunchTest, AnMpirunThatCannotStartIsNotTriedAgain) {
  const std::string mpirun = script("mpirun", "echo start >> starts\nexit 1\n");
  const Outcome outcome = system_test::run(launch({"-np", "2", "--mpirun", mpirun}, "nowhere"));
  EXPECT_EQ(outcome.code, 71) << outcome.err;
  EXPECT_EQ(count(read_text(directory_ / "starts"), "start"), 1);
  EXPECT_NE(outcome.err.find("mpirun left with exit code 1 before the run began"),
            std::string::npos)
      << outcome.err;
}

// Shared memory that is too small, say: the ranks have said so.
TEST_F(LaunchTest, WhatTheMachineLacksIsNotTriedAgain) {
  const std::string mpirun = script("mpirun", "echo start >> starts\nexit 71\n");
  const Outcome outcome = system_test::run(launch({"-np", "2", "--mpirun", mpirun}, "lacking"));
  EXPECT_EQ(outcome.code, 71) << outcome.err;
  EXPECT_EQ(count(read_text(directory_ / "starts"), "start"), 1) << outcome.err;
  EXPECT_EQ(outcome.err.find("again"), std::string::npos) << outcome.err;
}

// An mpirun that leaves with nonsense: what the run itself said counts.
TEST_F(LaunchTest, StatusCountsNotTheCodeOfMpirun) {
  for (const int code : {1, 0}) {
    const std::string run = fmt::format("code{}", code);
    const std::string mpirun =
        script("mpirun", fmt::format("{} \"$@\"\nexit {}\n", LOCKSTEP_MPIEXEC, code));
    const Outcome outcome = system_test::run(launch({"-np", "2", "--mpirun", mpirun}, run,
                                                    {"--max-steps", code == 1 ? "100000" : "20"}));
    EXPECT_EQ(outcome.code, code == 1 ? 0 : 75) << outcome.err;
    EXPECT_EQ(starts(run), 1u);
  }
}

TEST_F(LaunchTest, WhatIsLeftOfALimitCounts) {
  Process process(launch({"-np", "2"}, "limited", {"--max-steps", "1000"}, {mark("limited")}));
  ::kill(rank_of_start("limited", 1, 1), SIGKILL);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.code, 75) << outcome.err;
  EXPECT_EQ(starts("limited"), 2u);
  EXPECT_TRUE(fs::exists(path("limited") / "checkpoints" / "step-00001000.h5"));
  EXPECT_FALSE(fs::exists(path("limited") / "checkpoints" / "step-00001200.h5"));
}

TEST_F(LaunchTest, ADryRunPrintsTheLineAndNothingElse) {
  const Outcome outcome = system_test::run(
      launch({"-np", "3", "--dry-run"}, "dry", {"--set", "data.train=\"a b.csv\""}));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(outcome.out.starts_with(fmt::format("{} -q -np 3 ", LOCKSTEP_MPIEXEC)))
      << outcome.out;
  EXPECT_NE(outcome.out.find(" train config.toml --run-dir dry --set "), std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("'data.train=\"a b.csv\"'"), std::string::npos) << outcome.out;
  EXPECT_EQ(count(outcome.out, "\n"), 1);
  EXPECT_FALSE(fs::exists(path("dry")));
}

TEST_F(LaunchTest, RootMustHaveSaidThatItIsIntended) {
  if (::geteuid() != 0) return;  // for others there is nothing to say
  Command command = launch({"-np", "2"}, "root");
  command.arguments.insert(command.arguments.begin(), {"env", "-u", "OMPI_ALLOW_RUN_AS_ROOT"});
  const Outcome outcome = system_test::run(command);
  EXPECT_EQ(outcome.code, 77);
  EXPECT_NE(outcome.err.find("export OMPI_ALLOW_RUN_AS_ROOT=1"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace lockstep::system_test
