#pragma once

// One configuration under many deployments, whose checkpoints, digests and figures must all be the
// same.

#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "system/trainer.hpp"

namespace lockstep::system_test {

/// How a run is started: none of it may change a bit.
struct Deployment {
  int ranks;
  int threads;
  bool overlap;
  std::string bucket;
};

/// What is trained.
struct Case {
  std::string name;
  std::string config;
};

// 211 of 248 samples are learned: 4 batches of 48 and one of 19, neither of which 8 microbatches
// divide evenly. [data] is open: what follows says which.
constexpr std::string_view kHead = R"(
[run]
name = "small"
seed = 5
epochs = 2
[parallel]
microbatches = 8
[log]
every = "1 steps"
[data]
holdout = 0.15
batch = 48
)";

/// What must not depend on the deployment.
struct Result {
  std::string checkpoint;
  std::string digest;
  std::vector<std::string> learned;  // losses, norms and metrics, as text
};

/// A line of metrics.jsonl up to the first field that tells a time or a speed.
inline std::string without_times(const std::string& line) {
  std::size_t end = line.size();
  for (const char* timed : {",\"step_s\"", ",\"seconds\"", ",\"samples_per_s\""}) {
    end = std::min(end, line.find(timed));
  }
  return line.substr(0, end);
}

/// Trains a configuration in one directory under many deployments.
class Deployed : public testing::Test {
 protected:
  /// A run under way in a directory of its own.
  struct Run {
    Deployment deployment;
    std::string name;
    std::unique_ptr<Process> process;
  };

  Run start(const Deployment& d, const Arguments& more = {}) {
    const std::string run = fmt::format("run{}", ++runs_);
    Arguments arguments = {"train", "config.toml", "--run-dir", run};
    for (const std::string& value : {fmt::format("parallel.threads={}", d.threads),
                                     fmt::format("parallel.overlap={}", d.overlap),
                                     fmt::format("parallel.bucket=\"{}\"", d.bucket)}) {
      arguments.insert(arguments.end(), {"--set", value});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return {d, run, std::make_unique<Process>(command_in(directory_, d.ranks, arguments))};
  }

  Result finish(const Run& run) const {
    const Outcome outcome = run.process->wait();
    EXPECT_EQ(outcome.code, 0) << outcome.err;

    Result result;
    const auto path = directory_.path() / run.name;
    result.checkpoint = read_text(path / "checkpoints" / "latest.h5");
    EXPECT_FALSE(result.checkpoint.empty());
    const auto at = outcome.out.find("digest ");
    if (at != std::string::npos) result.digest = outcome.out.substr(at, 39);
    for (const char* type : {"step", "eval", "epoch"}) {
      const auto lines = metric_lines(path, type);
      EXPECT_FALSE(lines.empty()) << type;
      for (const std::string& line : lines) result.learned.push_back(without_times(line));
    }
    return result;
  }

  Result train(const Deployment& d, const Arguments& more = {}) { return finish(start(d, more)); }

  /// The first run, run1, is of one rank without mpirun; what launchers wait for is shared among
  /// several of the others.
  void expect_equal(const Case& c, const std::vector<Deployment>& deployments) {
    constexpr std::size_t kAtOnce = 4;
    directory_.write("config.toml", c.config);
    const Result reference = train({0, 1, true, "4 KiB"});
    ASSERT_EQ(reference.digest.size(), 39u);
    std::deque<Run> runs;
    for (std::size_t next = 0; next < deployments.size() || !runs.empty();) {
      while (next < deployments.size() && runs.size() < kAtOnce) {
        runs.push_back(start(deployments[next++]));
      }
      const Deployment& d = runs.front().deployment;
      SCOPED_TRACE(fmt::format("{}: {} ranks, {} threads, overlap {}, bucket {}", c.name, d.ranks,
                               d.threads, d.overlap, d.bucket));
      const Result result = finish(runs.front());
      runs.pop_front();
      EXPECT_EQ(result.digest, reference.digest);
      EXPECT_TRUE(result.checkpoint == reference.checkpoint) << "the checkpoints differ";
      ASSERT_EQ(result.learned.size(), reference.learned.size());
      for (std::size_t i = 0; i < result.learned.size(); ++i) {
        ASSERT_EQ(result.learned[i], reference.learned[i]);
      }
    }
  }

  TemporaryDirectory directory_;
  int runs_ = 0;
};

}  // namespace lockstep::system_test
