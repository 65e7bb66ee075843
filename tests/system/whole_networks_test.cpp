// Three networks of the kinds that people train, with what could break the contract in each: the
// same digest on any number of ranks and threads, and after ranks are killed at an instant of
// nobody's choice and the run is resumed on another number of them.
#include "system/deployments.hpp"

namespace lockstep::system_test {
namespace {

/// The head with more epochs and checkpoints, then the rest of [data] and what follows.
Case long_enough_to_kill(const std::string& name, std::string_view rest) {
  const std::string head = replaced(kHead, "epochs = 2", "epochs = 5");
  return {name, fmt::format("[checkpoint]\nevery = \"3 steps\"\nkeep = 2\n{}{}", head, rest)};
}

// Statistics of microbatches travel with the gradients; what dropout and augmentation draw depends
// on neither rank nor thread. The last convolution is computed by Winograd's method.
Case convnet() {
  return long_enough_to_kill("convnet", R"(train = "images"
train_labels = "labels"
normalize = "standard"
[[augment]]
type = "shift"
pixels = 1
[[augment]]
type = "horizontal_flip"
[[augment]]
type = "cutout"
size = 2
[[augment]]
type = "noise"
deviation = 0.1
[[layer]]
type = "conv2d"
out = 16
kernel = 3
bias = false
[[layer]]
type = "batch_norm"
[[layer]]
type = "relu"
[[layer]]
name = "body"
type = "residual_block"
out = 16
stride = 2
[[layer]]
type = "max_pool2d"
[[layer]]
type = "dropout"
rate = 0.2
[[layer]]
type = "flatten"
[[layer]]
type = "linear"
out = 5
[loss]
type = "cross_entropy"
label_smoothing = 0.1
[optimizer]
type = "sgd"
lr = 0.05
momentum = 0.9
nesterov = true
[schedule]
type = "cosine"
warmup = "3 steps"
)");
}

// Norms of the whole gradient and of each tensor are sums over all ranks; windows start elsewhere
// in each epoch.
Case transformer() {
  return long_enough_to_kill("transformer", R"(type = "text"
train = "data.txt"
context = 7
[[layer]]
type = "embedding"
symbols = "vocab"
dim = 24
positions = "learned"
[[layer]]
name = "blocks"
type = "transformer_block"
repeat = 2
heads = 3
causal = true
dropout = 0.1
[[layer]]
type = "layer_norm"
[[layer]]
type = "linear"
out = "vocab"
[loss]
type = "cross_entropy"
[optimizer]
type = "lamb"
lr = 0.02
weight_decay = 0.01
decay = "weights"
clip_norm = 0.5
[schedule]
type = "wsd"
warmup = "2 steps"
decay = "1 epoch"
)");
}

// A state goes from position to position.
Case lstm_classifier() {
  return long_enough_to_kill("LSTM classifier", R"(train = "data.csv"
[[layer]]
type = "embedding"
symbols = 6
dim = 10
positions = "sinusoidal"
[[layer]]
type = "lstm"
units = 20
[[layer]]
type = "lstm"
units = 12
last = true
[[layer]]
type = "linear"
out = 3
[loss]
type = "cross_entropy"
class_weights = "balanced"
[optimizer]
type = "adamw"
lr = 0.01
clip_norm = 1.0
)");
}

std::string squares() {
  std::string text;
  for (int i = 0; i < 620; ++i) text += fmt::format("{} ", i * i % 97);
  return text;
}

/// Rows of 9 symbols below 6, of the class that their sum has modulo 3.
std::string symbol_table(int rows) {
  Numbers numbers(4);
  std::string text;
  for (int row = 0; row < rows; ++row) {
    int sum = 0;
    for (int i = 0; i < 9; ++i) {
      const int symbol = numbers.below(6);
      sum += symbol;
      text += fmt::format("{},", symbol);
    }
    text += fmt::format("{}\n", sum % 3);
  }
  return text;
}

class WholeNetworkTest : public Deployed {
 protected:
  /// All deployments end like one rank without mpirun, in any number of rounds, and so does a run
  /// whose ranks are killed after their first checkpoint, and which is resumed on fewer.
  void expect_exact(const Case& c) {
    std::vector<Deployment> all;
    for (const int ranks : {1, 2, 3, 5, 8}) {
      for (const int threads : {1, 2}) all.push_back({ranks, threads, threads == 1, "4 KiB"});
    }
    expect_equal(c, all);
    for (const auto& [ranks, threads, rounds] :
         {std::tuple{1, 1, 8}, {1, 2, 8}, {1, 2, 3}, {2, 1, 3}, {3, 2, 2}}) {
      const Arguments set = {"--set", fmt::format("parallel.accumulation={}", rounds)};
      EXPECT_TRUE(train({ranks, threads, true, "4 KiB"}, set).checkpoint == latest("run1"))
          << ranks << " ranks of " << threads << " threads in " << rounds << " rounds";
    }
    kill_after_a_checkpoint();
    const Outcome outcome = run(command_in(directory_, 2,
                                           {"train", "config.toml", "--run-dir", "killed",
                                            "--resume", "auto", "--set", "parallel.rounds=2"}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("resume"), std::string::npos) << outcome.out;
    EXPECT_TRUE(latest("killed") == latest("run1")) << "the resumed run ended elsewhere";
  }

  [[nodiscard]] std::string latest(const std::string& name) const {
    return read_text(directory_.path() / name / "checkpoints" / "latest.h5");
  }

 private:
  void kill_after_a_checkpoint() {
    const std::string mark = fmt::format("LOCKSTEP_TEST_MARK={}-whole", ::getpid());
    Command command = command_in(directory_, 3, {"train", "config.toml", "--run-dir", "killed"});
    command.environment.push_back(mark);
    Process process(command);
    const auto run = directory_.path() / "killed";
    EXPECT_TRUE(wait_until(20, [&] { return std::filesystem::exists(run / "STATUS"); }));
    std::vector<pid_t> ranks;
    for (const pid_t pid : processes_with(mark)) {
      if (runs(pid, LOCKSTEP_TRAINER)) ranks.push_back(pid);
    }
    EXPECT_EQ(ranks.size(), 3u);
    EXPECT_TRUE(wait_until(
        20, [&] { return std::filesystem::exists(run / "checkpoints" / "step-00000003.h5"); }));
    for (const pid_t pid : ranks) ::kill(pid, SIGKILL);
    EXPECT_NE(process.wait().code, 0) << "it was too fast";
  }
};

TEST_F(WholeNetworkTest, Convnet) {
  directory_.write("images", class_images(248, 8, 5));
  directory_.write("labels", class_image_labels(248, 5));
  expect_exact(convnet());
  const std::string end = latest("run1");
  directory_.write("config.toml", replaced(convnet().config, "pixels = 1", "pixels = 2"));
  EXPECT_TRUE(train({1, 1, true, "4 KiB"}).checkpoint != end) << "augmentation changes nothing";
}

TEST_F(WholeNetworkTest, Transformer) {
  directory_.write("data.txt", squares());
  expect_exact(transformer());
}

TEST_F(WholeNetworkTest, LstmClassifier) {
  directory_.write("data.csv", symbol_table(248));
  expect_exact(lstm_classifier());
}

// The vocabulary comes from the checkpoint: a text may have fewer symbols, but no other ones.
TEST_F(WholeNetworkTest, TextIsJudgedInTheSymbolsOfTheRun) {
  directory_.write("data.txt", squares());
  directory_.write("config.toml", transformer().config);
  train({2, 1, true, "4 KiB"});
  const std::string checkpoint = "run1/checkpoints/latest.h5";
  const auto judge = [&](const std::string& other) {
    directory_.write("other.txt", other);
    return run(command_in(directory_, 2,
                          {"eval", checkpoint, "--data", "other.txt", "--json", "--confusion"}));
  };
  const Outcome judged = judge("1 2 1 2 1 2 1 2 1 2 1 2");
  EXPECT_EQ(judged.code, 0) << judged.err;
  const Outcome strange = judge("1 2 1 2 x 2 1 2 1 2 1 2");
  EXPECT_EQ(strange.code, 65) << strange.err;
  EXPECT_EQ(count(strange.err, "expected one of the"), 1) << strange.err;

  // One row for each position of each sample, the same on any number of ranks.
  std::vector<std::string> written;
  for (const int ranks : {1, 3}) {
    const std::string out = fmt::format("text{}.csv", ranks);
    const Outcome outcome = run(
        command_in(directory_, ranks, {"predict", checkpoint, "--data", "data.txt", "--out", out}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    written.push_back(read_text(directory_.path() / out));
  }
  EXPECT_EQ(written[0], written[1]);
  EXPECT_TRUE(written[0].starts_with("sample,position,truth,prediction,p0,"))
      << written[0].substr(0, 80);
  EXPECT_EQ(count(written[0], "\n") % 7, 1);
}

}  // namespace
}  // namespace lockstep::system_test
