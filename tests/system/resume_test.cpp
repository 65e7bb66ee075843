// Interrupted runs: killed or asked to stop at any instant, resumed at another number of ranks,
// they end with the bits of the run that nobody disturbed.
//
// LOCKSTEP_TEST_KILLS: how many runs are killed and how many stopped (4). LOCKSTEP_TEST_SEED: their
// random numbers (1).
#include <gtest/gtest.h>

#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kResumeConfig = R"(
[run]
name = "long"
seed = 3
epochs = 50
[data]
train = "data.csv"
holdout = 0.15
batch = 48
[[layer]]
type = "linear"
out = 128
[[layer]]
type = "batch_norm"
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = 128
[[layer]]
type = "tanh"
[[layer]]
type = "linear"
out = 5
[loss]
type = "cross_entropy"
[optimizer]
type = "adamw"
lr = 0.002
clip_norm = 1.0
[schedule]
type = "cosine"
warmup = "20 steps"
[parallel]
microbatches = 8
bucket = "8 KiB"
[checkpoint]
every = "17 steps"
[eval]
every = "2 epochs"
)";

int number_from(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atoi(text);
}

/// Runs of one configuration in one directory, and how they must all end.
class ResumeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = std::make_unique<Shared>();
    shared_->directory.write("data.csv", class_table(412, 20, 5));
    shared_->directory.write("config.toml", kResumeConfig);
    const Outcome alone = system_test::run(train(1, "whole"));
    const Outcome on_four = system_test::run(train(4, "whole4"));
    ASSERT_TRUE(alone.code == 0 && on_four.code == 0) << alone.err << on_four.err;
    shared_->seconds = alone.seconds;
    shared_->seconds_more = (on_four.seconds - alone.seconds) / 3;
    shared_->end = read_text(latest("whole"));
    ASSERT_FALSE(shared_->end.empty());
    ASSERT_TRUE(read_text(latest("whole4")) == shared_->end);
  }
  static void TearDownTestSuite() { shared_.reset(); }

  static Command train(int ranks, const std::string& run, const Arguments& more = {}) {
    Arguments arguments = {"train", "config.toml", "--run-dir", run};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return command_in(shared_->directory, ranks, arguments);
  }
  static Outcome resume(int ranks, const std::string& run, Arguments more = {}) {
    more.insert(more.begin(), {"--resume", "auto"});
    return system_test::run(train(ranks, run, more));
  }

  static fs::path path(const std::string& run) { return shared_->directory.path() / run; }
  static fs::path latest(const std::string& run) { return path(run) / "checkpoints" / "latest.h5"; }
  static std::vector<fs::path> checkpoints(const std::string& run) {
    std::vector<fs::path> files;
    std::error_code ignored;
    for (const auto& file : fs::directory_iterator(path(run) / "checkpoints", ignored)) {
      if (file.path().filename().string().starts_with("step-")) files.push_back(file.path());
    }
    std::ranges::sort(files);
    return files;
  }

  static const std::string& undisturbed() { return shared_->end; }
  /// About how long a run on so many ranks takes, start-up included.
  static double undisturbed_seconds(int ranks) {
    return shared_->seconds + shared_->seconds_more * (std::max(ranks, 1) - 1);
  }

  static void expect_same_end(const std::string& run) {
    EXPECT_TRUE(read_text(latest(run)) == undisturbed()) << run << " ended elsewhere";
    EXPECT_EQ(read_text(path(run) / "STATUS"), "done 0\n");
  }

  /// A run that was stopped after some steps, with three checkpoints.
  static void stop_early(const std::string& run, const std::string& steps = "60") {
    const Outcome outcome = system_test::run(train(2, run, {"--max-steps", steps}));
    ASSERT_EQ(outcome.code, 75) << outcome.err;
    ASSERT_GE(checkpoints(run).size(), 3u);
  }

 private:
  struct Shared {
    TemporaryDirectory directory;
    std::string end;          // the last checkpoint of the run that nobody disturbed
    double seconds = 0;       // of one rank
    double seconds_more = 0;  // for each further rank
  };
  static std::unique_ptr<Shared> shared_;
};

std::unique_ptr<ResumeTest::Shared> ResumeTest::shared_;

/// One rank, all ranks or the launcher.
std::string kill_some(const Process& launcher, const std::string& mark, Numbers& numbers) {
  std::vector<pid_t> ranks;
  for (const pid_t pid : processes_with(mark)) {
    if (runs(pid, LOCKSTEP_TRAINER)) ranks.push_back(pid);
  }
  const int kind = ranks.empty() ? 2 : numbers.below(3);
  if (kind == 2) {
    launcher.send(SIGKILL);
    return "mpirun";
  }
  if (kind == 1) {
    for (const pid_t pid : ranks) ::kill(pid, SIGKILL);
    return "all ranks";
  }
  ::kill(ranks[static_cast<std::size_t>(numbers.below(static_cast<int>(ranks.size())))], SIGKILL);
  return fmt::format("one rank of {}", ranks.size());
}

TEST_F(ResumeTest, KilledAtAnyInstant) {
  const int seed = number_from("LOCKSTEP_TEST_SEED", 1);
  Numbers numbers(static_cast<std::uint64_t>(seed));
  for (int trial = 0; trial < number_from("LOCKSTEP_TEST_KILLS", 4); ++trial) {
    const std::string run = fmt::format("killed{}", trial);
    const int ranks = 1 + numbers.below(4);
    const int other = ranks % 4 + 1;
    const std::string mark = fmt::format("LOCKSTEP_TEST_MARK={}-{}", ::getpid(), run);
    Command command = train(ranks, run);
    command.environment.push_back(mark);

    Process process(command);
    const double instant = numbers.next() * undisturbed_seconds(ranks);
    wait_until(instant, [&] { return process.ended(); });
    const std::string victim = process.ended() ? "nobody" : kill_some(process, mark, numbers);
    const double killed = now_seconds();
    const auto trace = fmt::format(
        "seed {} trial {}: {} ranks, {} killed after {:.2f} s, {} checkpoints; then {} "
        "ranks",
        seed, trial, ranks, victim, instant, checkpoints(run).size(), other);
    SCOPED_TRACE(trace);
    fmt::print("{}\n", trace);

    const Outcome second = resume(other, run);  // at once: orphans may still be there
    EXPECT_EQ(second.code, 0) << second.err;
    expect_same_end(run);
    process.wait(10);
    EXPECT_TRUE(wait_until(killed + 5 - now_seconds(), [&] {
      return processes_with(mark).empty();
    })) << "processes are left 5 s after the kill";
  }
}

TEST_F(ResumeTest, StoppedAtAnyInstant) {
  const int seed = number_from("LOCKSTEP_TEST_SEED", 1);
  Numbers numbers(static_cast<std::uint64_t>(seed) + 1000);
  for (int trial = 0; trial < number_from("LOCKSTEP_TEST_KILLS", 4); ++trial) {
    const std::string run = fmt::format("stopped{}", trial);
    const int ranks = numbers.below(5);  // 0: without mpirun
    const int other = (ranks + 1) % 5;
    Process process(train(ranks, run));
    // Before the program has started, no handler of its own can be there.
    ASSERT_TRUE(wait_until(20, [&] { return fs::exists(path(run) / "STATUS"); }));
    const double instant = numbers.next() * 0.5 * undisturbed_seconds(ranks);
    wait_until(instant, [&] { return process.ended(); });
    process.send(SIGUSR1);
    const Outcome first = process.wait();
    const auto trace = fmt::format(
        "seed {} trial {}: {} ranks, USR1 {:.2f} s after the start, exit {}; "
        "then {} ranks",
        seed, trial, ranks, instant, first.code, other);
    SCOPED_TRACE(trace);
    fmt::print("{}\n", trace);
    if (first.code != 0) {
      EXPECT_EQ(first.code, 75) << first.err;
      EXPECT_TRUE(read_text(path(run) / "STATUS").starts_with("preempted 75 ")) << run;
      // No step is lost: the last line of a step is no later than the checkpoint.
      const auto ends = metric_lines(path(run), "end");
      const auto saves = metric_lines(path(run), "checkpoint");
      ASSERT_EQ(ends.size(), 1u);
      const auto step = [](const std::string& line) {
        return std::atoi(line.substr(line.find("\"step\":") + 7).c_str());
      };
      EXPECT_EQ(step(ends.back()), saves.empty() ? 0 : step(saves.back()));
    }
    const Outcome second = resume(other, run);
    EXPECT_EQ(second.code, 0) << second.err;
    expect_same_end(run);
  }
}

TEST_F(ResumeTest, TheRecordsTellOfIt) {
  stop_early("recorded");
  const Outcome outcome = resume(3, "recorded");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  expect_same_end("recorded");
  const auto lines = metric_lines(path("recorded"), "resume");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("\"from_step\":60"), std::string::npos) << lines[0];
  EXPECT_NE(outcome.out.find("resume"), std::string::npos) << outcome.out;
}

TEST_F(ResumeTest, FromANamedFile) {
  stop_early("first");
  const std::string file = checkpoints("first").front().string();
  const Outcome outcome = system_test::run(train(2, "second", {"--resume", file}));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  expect_same_end("second");
}

TEST_F(ResumeTest, AFinishedRunStaysFinished) {
  // As if it had been killed between its last checkpoint and the link to it.
  fs::remove(latest("whole"));
  fs::create_symlink(checkpoints("whole").front().filename(), latest("whole"));
  const Outcome outcome = resume(2, "whole");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(read_text(latest("whole")) == undisturbed());
}

TEST_F(ResumeTest, RefusesAnotherRun) {
  stop_early("own");
  const std::string before = read_text(latest("own"));
  struct Difference {
    std::string set;
    std::string named;
  };
  std::ofstream(path("other.csv")) << class_table(411, 20, 5);
  for (const Difference& d : std::vector<Difference>{
           {"layer.linear.out=64", "model"},
           {"layer.relu.type=gelu", "model"},
           {"data.train=\"other.csv\"", "data set"},
           {"data.holdout=0.2", "holdout"},
           {"parallel.microbatches=16", "microbatches"},
           {"run.seed=4", "seed"},
           {"data.batch=50", "batch"},
           {"data.shuffle=false", "shuffle"},
           {"optimizer.type=sgd", "optimizer"},
       }) {
    SCOPED_TRACE(d.set);
    const Outcome outcome = resume(d.named == "data set" ? 2 : 0, "own", {"--set", d.set});
    EXPECT_EQ(outcome.code, 65) << outcome.err;
    EXPECT_NE(outcome.err.find(d.named), std::string::npos) << outcome.err;
    EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
  }
  EXPECT_TRUE(read_text(latest("own")) == before);
}

TEST_F(ResumeTest, BrokenCheckpointsAreSkippedWithANote) {
  for (const std::string how : {"truncated", "flipped"}) {
    SCOPED_TRACE(how);
    stop_early(how);
    const fs::path newest = checkpoints(how).back();
    std::string bytes = read_text(newest);
    if (how == "truncated") bytes.resize(bytes.size() - 1000);
    if (how == "flipped") bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    std::ofstream(newest, std::ios::binary) << bytes;
    const Outcome outcome = resume(3, how);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE((outcome.out + outcome.err).find(newest.filename().string()), std::string::npos)
        << "no note";
    EXPECT_NE(outcome.out.find("51"), std::string::npos) << "not from the older one";
    expect_same_end(how);
  }
}

TEST_F(ResumeTest, WithNothingButBrokenCheckpointsItStops) {
  stop_early("broken");
  for (const fs::path& file : checkpoints("broken")) fs::resize_file(file, fs::file_size(file) / 2);
  for (const int ranks : {0, 3}) {
    const Outcome outcome = resume(ranks, "broken");
    EXPECT_EQ(outcome.code, 65) << outcome.err;
    for (const fs::path& file : checkpoints("broken")) {
      EXPECT_NE(outcome.err.find(file.filename().string()), std::string::npos) << outcome.err;
    }
    EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
  }
}

TEST_F(ResumeTest, TheSecondOfTwoRunsInOneDirectoryIsTurnedAway) {
  // Paced by evaluations, so that it outlasts the 10 s for which the second waits.
  Process first(train(1, "contested",
                      {"--set", "run.epochs=1000000", "--set", "eval.every=\"1 steps\"", "--set",
                       "checkpoint.best=none"}));
  ASSERT_TRUE(wait_until(20, [&] { return !checkpoints("contested").empty(); }));
  const Outcome second = resume(2, "contested");
  EXPECT_EQ(second.code, 73) << second.err;
  EXPECT_NE(second.err.find("in use by process"), std::string::npos) << second.err;
  EXPECT_EQ(count(second.err, "error:"), 1) << second.err;
  ASSERT_FALSE(first.ended());
  first.send(SIGUSR1);
  const Outcome outcome = first.wait();
  EXPECT_EQ(outcome.code, 75) << outcome.err;
  EXPECT_TRUE(read_text(path("contested") / "STATUS").starts_with("preempted 75 "));
}

}  // namespace
}  // namespace lockstep::system_test
