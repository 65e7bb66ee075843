// HDF5 sets that are larger than data.memory: read while they are trained on.
#include <gtest/gtest.h>

#include "io/hdf5_testing.hpp"
#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

constexpr std::string_view kStreamedDataConfig = R"(
[run]
name = "streamed"
seed = 5
epochs = 2
[data]
train = "train.h5"
holdout = 0.2
batch = 48
memory = "64 KiB"
normalize = "standard"
[[layer]]
type = "linear"
out = 24
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = 3
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.05
[parallel]
microbatches = 8
[checkpoint]
every = "7 steps"
)";

class StreamedDataTest : public testing::Test {
 protected:
  // 120 KB; windows of 204 samples of 80 bytes.
  void write(hsize_t chunk_rows) const {
    write_hdf5_set(directory_ / "train.h5", 1503, 20, 3, chunk_rows);
    write_hdf5_set(directory_ / "val.h5", 1003, 20, 3, chunk_rows);
    directory_.write("config.toml", kStreamedDataConfig);
  }

  [[nodiscard]] Outcome train(int ranks, const std::string& run, const Arguments& more = {}) const {
    Arguments line = {"train", "config.toml", "--run-dir", run};
    line.insert(line.end(), more.begin(), more.end());
    return system_test::run(command_in(directory_, ranks, line));
  }

  /// The last checkpoint of a run.
  [[nodiscard]] std::string end_of(int ranks, const std::string& run,
                                   const Arguments& more = {}) const {
    const Outcome outcome = train(ranks, run, more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return latest(run);
  }

  [[nodiscard]] std::string latest(const std::string& run) const {
    return read_text(directory_.path() / run / "checkpoints" / "latest.h5");
  }

  /// The digest of the state in a checkpoint, whatever its configuration was.
  [[nodiscard]] std::string digest(const std::string& run) const {
    const Outcome outcome =
        system_test::run(command_in(directory_, 0, {"inspect", run + "/checkpoints/latest.h5"}));
    const std::size_t at = outcome.out.find("digest");
    return at == std::string::npos ? outcome.err : outcome.out.substr(at, 60);
  }

  TemporaryDirectory directory_;
};

TEST_F(StreamedDataTest, AnyNumberOfRanksGivesTheSameBits) {
  for (const hsize_t chunk_rows : {0u, 50u}) {
    write(chunk_rows);
    const std::string name = "c" + std::to_string(chunk_rows) + "-";
    const std::string one = end_of(1, name + "1");
    EXPECT_FALSE(one.empty());
    for (const int ranks : {2, 3, 5}) {
      EXPECT_TRUE(end_of(ranks, name + std::to_string(ranks)) == one) << ranks;
    }
    EXPECT_TRUE(end_of(3, name + "nodes", {"--ranks-per-node", "2"}) == one);
    EXPECT_TRUE(end_of(2, name + "threads", {"--threads", "2"}) == one);
  }
}

TEST_F(StreamedDataTest, ResumesWithinAnEpochOnOtherRanks) {
  write(50);
  const std::string whole = end_of(1, "whole");
  EXPECT_EQ(train(3, "stopped", {"--max-steps", "11"}).code, 75);
  EXPECT_EQ(train(1, "stopped", {"--resume", "auto", "--max-steps", "20"}).code, 75);
  EXPECT_TRUE(end_of(2, "stopped", {"--resume", "auto"}) == whole);
}

// The order of samples is that of the configuration: without shuffling it is that of the file.
TEST_F(StreamedDataTest, WithoutShufflingItIsTheSameAsInMemory) {
  write(50);
  const Arguments in_order = {"--set", "data.shuffle=false", "--set", "data.val=val.h5"};
  Arguments in_memory = in_order;
  in_memory.insert(in_memory.end(), {"--set", "data.memory=0"});
  static_cast<void>(end_of(2, "streamed", in_order));
  static_cast<void>(end_of(1, "loaded", in_memory));
  EXPECT_EQ(digest("streamed"), digest("loaded"));
  EXPECT_NE(digest("streamed").find("digest"), std::string::npos) << digest("streamed");
  EXPECT_EQ(metric_lines(directory_.path() / "streamed", "eval").size(), 2u);

  const auto predict = [&](const std::string& run, int ranks) {
    const Outcome outcome = system_test::run(command_in(
        directory_, ranks,
        {"predict", run + "/checkpoints/latest.h5", "--data", "val.h5", "--out", run + ".csv"}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return read_text(directory_.path() / (run + ".csv"));
  };
  const std::string predicted = predict("streamed", 3);
  EXPECT_EQ(count(predicted, "\n"), 1004);
  EXPECT_EQ(predicted, predict("loaded", 1));
  const auto judge = [&](const std::string& run, const Arguments& more) {
    Arguments line = {"eval", run + "/checkpoints/latest.h5", "--confusion"};
    line.insert(line.end(), more.begin(), more.end());
    const Outcome outcome = system_test::run(command_in(directory_, 2, line));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out.substr(outcome.out.find("loss"), 40);
  };
  EXPECT_EQ(judge("streamed", {}), judge("loaded", {}));
  EXPECT_EQ(judge("streamed", {"--data", "val.h5"}), judge("loaded", {}));
}

TEST_F(StreamedDataTest, SeveralFilesWithWeightsAreTheSameAsInMemory) {
  directory_.write("config.toml", replaced(kStreamedDataConfig, "train.h5", "part?.h5"));
  for (const int part : {1, 2}) {
    const std::string file = directory_ / fmt::format("part{}.h5", part);
    const int count = 700 + part;
    write_hdf5_set(file, count, 20, 3, 50);
    std::vector<float> weights;
    for (int i = 0; i < count; ++i) weights.push_back(static_cast<float>(i % 5));
    write_hdf5_rows(file, "w", false, {static_cast<hsize_t>(count)}, weights);
  }
  const Arguments weighted = {"--set", "data.shuffle=false", "--set", "data.weights=w"};
  Arguments in_memory = weighted;
  in_memory.insert(in_memory.end(), {"--set", "data.memory=0", "--set", "data.holdout=0"});
  Arguments streamed = weighted;
  streamed.insert(streamed.end(), {"--set", "data.holdout=0"});
  static_cast<void>(end_of(3, "streamed", streamed));
  static_cast<void>(end_of(1, "loaded", in_memory));
  static_cast<void>(end_of(2, "alike", {"--set", "data.shuffle=false", "--set", "data.holdout=0"}));
  EXPECT_EQ(digest("streamed"), digest("loaded"));
  EXPECT_NE(digest("streamed"), digest("alike"));
}

TEST_F(StreamedDataTest, AnotherOrderIsRefusedOnResume) {
  write(0);
  EXPECT_EQ(train(1, "run", {"--max-steps", "7"}).code, 75);
  const Outcome outcome = train(2, "run", {"--resume", "auto", "--set", "data.memory=80 KiB"});
  EXPECT_EQ(outcome.code, 65);
  EXPECT_EQ(count(outcome.err, "blocks of"), 2) << outcome.err;
}

}  // namespace
}  // namespace lockstep::system_test
