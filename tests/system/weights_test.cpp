// `trainer export` and `trainer import`: weights go out and come back bit by bit, and whatever a
// stranger's file does, the trainer goes on.
#include <gtest/gtest.h>

#include "io/safetensors_testing.hpp"
#include "lockstep/io/safetensors.hpp"
#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

constexpr std::string_view kWeightsConfig = R"(
[run]
name = "net"
epochs = 3
[data]
train = "data.csv"
holdout = 0.25
batch = 30
normalize = "standard"
[[layer]]
name = "fc1"
type = "linear"
out = 9
[[layer]]
name = "norm"
type = "batch_norm"
[[layer]]
type = "relu"
[[layer]]
name = "fc2"
type = "linear"
out = 3
[loss]
type = "cross_entropy"
[optimizer]
type = "adamw"
lr = 0.05
)";

class WeightsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = std::make_unique<TemporaryDirectory>();
    directory_->write("data.csv", class_table(120, 5, 3));
    directory_->write("net.toml", kWeightsConfig);
    directory_->write("averaged.toml",
                      replaced(kWeightsConfig, "lr = 0.05", "lr = 0.05\nema = 0.9"));
    for (const char* name : {"net", "averaged"}) {
      done(0, {"train", std::string(name) + ".toml", "--run-dir", name});
      done(0, {"export", checkpoint(name), "--out", std::string(name) + ".safetensors"});
    }
  }
  static void TearDownTestSuite() { directory_.reset(); }

  static std::string checkpoint(const std::string& run) { return run + "/checkpoints/latest.h5"; }

  static Outcome done(int ranks, const Arguments& arguments) {
    Outcome outcome = run(command_in(*directory_, ranks, arguments));
    EXPECT_EQ(outcome.code, 0) << arguments[0] << ": " << outcome.err;
    return outcome;
  }
  static Outcome refused(int code, const Arguments& arguments) {
    Outcome outcome = run(command_in(*directory_, 0, arguments));
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    return outcome;
  }
  static std::string content(const std::string& file) { return read_text(*directory_ / file); }
  static std::string predictions(const std::string& of) {
    done(0, {"predict", of, "--data", "data.csv", "--out", "predictions.csv", "--force"});
    return content("predictions.csv");
  }
  static Arguments import_of(const std::string& file, const std::string& out,
                             const std::string& config = "net.toml") {
    return {"import", file, "--config", config, "--out", out, "--force"};
  }

  static std::unique_ptr<TemporaryDirectory> directory_;
};

std::unique_ptr<TemporaryDirectory> WeightsTest::directory_;

TEST_F(WeightsTest, ComeBackBitByBit) {
  const Outcome imported = done(0, import_of("net.safetensors", "again.h5"));
  EXPECT_NE(imported.out.find("wrote again.h5: 102 parameters at step 0"), std::string::npos)
      << imported.out;
  done(0, {"export", "again.h5", "--out", "again.safetensors"});
  const auto first = bytes_of(content("net.safetensors"));
  const auto second = bytes_of(content("again.safetensors"));
  const Safetensors before = read_safetensors(first, "before");
  const Safetensors after = read_safetensors(second, "after");
  ASSERT_EQ(before.tensors.size(), 8u);  // with the running statistics
  ASSERT_EQ(after.tensors.size(), 8u);
  for (const SafetensorsTensor& tensor : before.tensors) {
    const SafetensorsTensor* const found = after.find(tensor.name);
    ASSERT_NE(found, nullptr) << tensor.name;
    EXPECT_EQ(found->shape, tensor.shape) << tensor.name;
    EXPECT_EQ(text_of(found->data), text_of(tensor.data)) << tensor.name;
  }
  EXPECT_EQ(before.find("fc1.weight")->shape, (std::vector<Index>{9, 5}));  // (out, in)
  EXPECT_EQ(before.metadata.at("format"), "pt");
  EXPECT_EQ(before.metadata.at("step"), "9");
  EXPECT_EQ(count(before.metadata.at("input_mean"), ","), 4);
  EXPECT_EQ(after.metadata.at("step"), "0");
}

TEST_F(WeightsTest, PredictAsBefore) {
  done(0, import_of("net.safetensors", "again.h5"));
  EXPECT_EQ(predictions("again.h5"), predictions(checkpoint("net")));
  const std::string judged = done(0, {"eval", "again.h5"}).out;
  const std::string expected = done(0, {"eval", checkpoint("net")}).out;
  EXPECT_EQ(judged.substr(0, judged.find(" (step")), expected.substr(0, expected.find(" (step")));
}

TEST_F(WeightsTest, AreTheSameFromHdf5AndOnAnyNumberOfRanks) {
  done(0, import_of("net.safetensors", "alone.h5"));
  done(3, import_of("net.safetensors", "three.h5"));
  done(0, import_of(checkpoint("net"), "hdf5.h5"));
  EXPECT_EQ(content("three.h5"), content("alone.h5"));
  EXPECT_EQ(content("hdf5.h5"), content("alone.h5"));
}

TEST_F(WeightsTest, AreABeginningForTraining) {
  done(0, import_of("net.safetensors", "again.h5"));
  const Arguments train = {"train", "net.toml", "--resume", "again.h5", "--run-dir"};
  const auto trained = [&](int ranks, const std::string& directory) {
    Arguments line = train;
    line.push_back(directory);
    const Outcome outcome = done(ranks, line);
    return outcome.out.substr(outcome.out.find("digest "));
  };
  const std::string digest = trained(0, "more-0");
  EXPECT_EQ(trained(2, "more-2"), digest);
  EXPECT_NE(predictions(checkpoint("more-0")), predictions("again.h5"));
}

TEST_F(WeightsTest, AreTheAverageUnlessTheLastAreWanted) {
  const Outcome outcome =
      done(0, {"export", checkpoint("averaged"), "--last", "--out", "last.safetensors", "--force"});
  EXPECT_EQ(outcome.out.find("average"), std::string::npos);
  const auto average = bytes_of(content("averaged.safetensors"));
  const auto last = bytes_of(content("last.safetensors"));
  EXPECT_NE(text_of(read_safetensors(average, "a").find("fc1.weight")->data),
            text_of(read_safetensors(last, "b").find("fc1.weight")->data));
  const Outcome from_hdf5 = done(0, import_of(checkpoint("averaged"), "again.h5"));
  EXPECT_EQ(count(from_hdf5.out, "note  these are the last weights"), 1) << from_hdf5.out;
  // Both a network without an average and one with it begin with what was judged.
  for (const char* config : {"net.toml", "averaged.toml"}) {
    done(0, import_of("averaged.safetensors", "again.h5", config));
    EXPECT_EQ(predictions("again.h5"), predictions(checkpoint("averaged"))) << config;
  }
}

// PyTorch counts the batches of its batch_norm layers.
TEST_F(WeightsTest, OfPyTorchMayCountBatches) {
  const auto file = bytes_of(content("net.safetensors"));
  Safetensors weights = read_safetensors(file, "file");
  const std::vector<std::int64_t> batches = {9};
  weights.tensors.push_back(
      {"norm.num_batches_tracked", "I64", {}, std::as_bytes(std::span(batches))});
  directory_->write("torch.safetensors", text_of(write_safetensors(weights)));
  done(0, import_of("torch.safetensors", "again.h5"));
  EXPECT_EQ(predictions("again.h5"), predictions(checkpoint("net")));
}

TEST_F(WeightsTest, MayHaveNamesBehindAPrefix) {
  const auto file = bytes_of(content("net.safetensors"));
  Safetensors weights = read_safetensors(file, "file");
  for (SafetensorsTensor& tensor : weights.tensors) tensor.name = "module." + tensor.name;
  directory_->write("wrapped.safetensors", text_of(write_safetensors(weights)));
  done(0, import_of("net.safetensors", "plain.h5"));
  const Outcome told = done(2, import_of("wrapped.safetensors", "again.h5"));
  EXPECT_EQ(count(told.out, "note  names without what PyTorch's wrappers put into them"), 1)
      << told.out;
  EXPECT_EQ(content("again.h5"), content("plain.h5"));
  Arguments line = import_of("wrapped.safetensors", "again.h5");
  line.insert(line.end(), {"--strip-prefix", "module."});
  EXPECT_EQ(done(0, line).out.find("note"), std::string::npos);
  EXPECT_EQ(content("again.h5"), content("plain.h5"));
}

TEST_F(WeightsTest, ReplaceAFileOnlyIfAsked) {
  directory_->write("taken", "mine");
  for (const Arguments& line :
       {Arguments{"export", checkpoint("net"), "--out", "taken"},
        {"import", "net.safetensors", "--config", "net.toml", "--out", "taken"}}) {
    const Outcome outcome = refused(73, line);
    EXPECT_NE(outcome.err.find("taken exists, nothing was written; to replace it add: --force"),
              std::string::npos)
        << outcome.err;
    EXPECT_EQ(content("taken"), "mine");
    Arguments forced = line;
    forced.emplace_back("--force");
    done(0, forced);
    EXPECT_NE(content("taken"), "mine");
    directory_->write("taken", "mine");
  }
}

/// Files of a directory, to see that nothing is left behind.
std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

TEST_F(WeightsTest, AFullDiskLeavesNothing) {
  std::filesystem::create_directory(*directory_ / "full");
  const std::string full = (directory_->path() / "full").string();
  for (Arguments line :
       {Arguments{"export", checkpoint("net"), "--out", "full/x"},
        {"import", "net.safetensors", "--config", "net.toml", "--out", "full/x"}}) {
    Command command = command_in(*directory_, 0, line);
    command.environment.push_back(preloading(*directory_, LOCKSTEP_FAULTY_IO));
    command.environment.push_back(fmt::format("FAULTY_IO=write:1+:{}:{}", ENOSPC, full));
    const Outcome outcome = run(command);
    EXPECT_EQ(outcome.code, 74) << outcome.err;
    EXPECT_EQ(count(outcome.err, "cannot write full/x: No space left on device"), 1) << outcome.err;
    EXPECT_EQ(names_in(full), std::vector<std::string>());
  }
}

struct Effect {
  std::string name;
  std::string said;
};

TEST_F(WeightsTest, AFileThatTakesItsReaderDownEndsInAMessage) {
  const std::vector<Effect> effects = {
      {"crash", "net.h5: the process that read it crashed (signal 6"},
      {"spin", "net.h5: reading it took more than 10 s of a processor"},
      {"eat", "net.h5: reading it takes more than 1024 MiB of memory"},
  };
  directory_->write("net.h5", content(checkpoint("net")));
  const std::string library = preloading(*directory_, LOCKSTEP_FAULTY_HDF5);
  const std::vector<std::string> before = names_in(directory_->path());
  std::vector<std::unique_ptr<Process>> processes;
  for (const Effect& effect : effects) {
    Command command = command_in(*directory_, 0, import_of("net.h5", "never.h5"));
    command.environment.push_back(library);
    command.environment.push_back("FAULTY_HDF5=" + effect.name);
    processes.push_back(std::make_unique<Process>(command));
  }
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const Outcome outcome = processes[i]->wait(120);
    EXPECT_FALSE(outcome.timed_out) << effects[i].name;
    EXPECT_EQ(outcome.code, 65) << effects[i].name;
    EXPECT_EQ(count(outcome.err, effects[i].said), 1) << outcome.err;
    EXPECT_EQ(count(outcome.err, "\n"), 1) << outcome.err;
  }
  EXPECT_EQ(names_in(directory_->path()), before);
}

}  // namespace
}  // namespace lockstep::system_test
