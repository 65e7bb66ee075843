// The contract: the number of ranks and threads, the overlap and the size of the buckets are
// details of deployment, which change no bit of what is learned.
#include <gtest/gtest.h>

#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

struct Deployment {
  int ranks;
  int threads;
  bool overlap;
  std::string bucket;
};

struct Case {
  std::string name;
  std::string config;
};

// 211 training samples: 4 batches of 48 and one of 19, neither of which 8 microbatches divide
// evenly.
constexpr std::string_view kHead = R"(
[run]
name = "small"
seed = 5
epochs = 2
[data]
train = "data.csv"
holdout = 0.15
batch = 48
[parallel]
microbatches = 8
[log]
every = "1 steps"
)";

Case momentum() {
  return {"sgd with momentum", std::string(kHead) + R"(
[[layer]]
type = "linear"
out = 60
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = 37
[[layer]]
type = "sigmoid"
[[layer]]
type = "linear"
out = 5
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.05
momentum = 0.9
nesterov = true
[schedule]
type = "cosine"
warmup = "3 steps"
)"};
}

Case clipping() {
  return {"AdamW with clipping", std::string(kHead) + R"(
[[layer]]
type = "linear"
out = 61
[[layer]]
type = "gelu"
[[layer]]
type = "linear"
out = 40
[[layer]]
type = "tanh"
[[layer]]
type = "linear"
out = 5
[loss]
type = "cross_entropy"
[optimizer]
type = "adamw"
lr = 0.01
weight_decay = 0.1
clip_norm = 0.5
)"};
}

Case large_batches() {
  return {"LAMB with batch norm", std::string(kHead) + R"(
[[layer]]
type = "batch_norm"
[[layer]]
type = "linear"
out = 60
[[layer]]
type = "batch_norm"
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = 5
[loss]
type = "cross_entropy"
[optimizer]
type = "lamb"
lr = 0.02
weight_decay = 0.01
decay = "weights"
clip_norm = 0.5
)"};
}

Case regression() {
  return {"regression", std::string(kHead) + R"(
[[layer]]
type = "linear"
out = 64
[[layer]]
type = "gelu"
[[layer]]
type = "linear"
out = 1
[loss]
type = "mse"
[optimizer]
type = "sgd"
lr = 0.02
clip_norm = 0.3
)"};
}

Case augmented() {
  return {"augmentation", std::string(kHead) + R"(
[[augment]]
type = "time_shift"
steps = 1
[[augment]]
type = "horizontal_flip"
[[augment]]
type = "cutout"
size = 2
[[augment]]
type = "noise"
deviation = 0.1
[[layer]]
type = "flatten"
[[layer]]
type = "linear"
out = 30
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = 5
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.05
momentum = 0.9
)"};
}

// Named inputs, blocks, norms and dropout; statistics of microbatches travel with the gradients.
Case branches() {
  return {"a graph of branches and blocks", std::string(kHead) + R"(
[[layer]]
name = "stem"
type = "linear"
out = 24
[[layer]]
type = "layer_norm"
[[layer]]
type = "silu"
[[layer]]
name = "thin"
type = "dropout"
rate = 0.2
[[layer]]
name = "side"
type = "linear"
out = 24
from = ["stem"]
[[layer]]
type = "sum"
from = ["side", "thin", "stem"]
[[layer]]
type = "concat"
from = ["sum", "input"]
[[layer]]
type = "residual_block"
out = 16
repeat = 2
[[layer]]
type = "transformer_block"
heads = 2
ffn = 20
dropout = 0.1
[[layer]]
type = "linear"
out = 5
[loss]
type = "cross_entropy"
[optimizer]
type = "adamw"
lr = 0.003
)"};
}

Case text() {
  Case c{"text", std::string(kHead) + R"(
[[layer]]
type = "embedding"
symbols = "vocab"
dim = 24
positions = "learned"
[[layer]]
type = "transformer_block"
heads = 3
causal = true
dropout = 0.1
[[layer]]
type = "linear"
out = "vocab"
[loss]
type = "cross_entropy"
[optimizer]
type = "adamw"
lr = 0.01
clip_norm = 1.0
)"};
  c.config = replaced(c.config, "\"data.csv\"", "\"data.txt\"\ntype = \"text\"\ncontext = 7");
  return c;
}

Case questions() {
  return {"a yes-or-no question", std::string(kHead) + R"(
[[layer]]
type = "linear"
out = 24
[[layer]]
type = "tanh"
[[layer]]
type = "linear"
out = 1
[loss]
type = "binary_cross_entropy"
[checkpoint]
best = "val/acc"
[optimizer]
type = "adamw"
lr = 0.02
)"};
}

/// What must not depend on the deployment.
struct Result {
  std::string checkpoint;
  std::string digest;
  std::vector<std::string> learned;  // losses, norms and metrics, as text
};

/// A line of metrics.jsonl up to the first field that tells a time or a speed.
std::string without_times(const std::string& line) {
  std::size_t end = line.size();
  for (const char* timed : {",\"step_s\"", ",\"seconds\"", ",\"samples_per_s\""}) {
    end = std::min(end, line.find(timed));
  }
  return line.substr(0, end);
}

class RankInvarianceTest : public testing::Test {
 protected:
  /// Trains in a new run directory.
  Result train(const Deployment& d, const Arguments& more = {}) {
    const std::string run = fmt::format("run{}", ++runs_);
    Arguments arguments = {"train", "config.toml", "--run-dir", run};
    for (const std::string& value : {fmt::format("parallel.threads={}", d.threads),
                                     fmt::format("parallel.overlap={}", d.overlap),
                                     fmt::format("parallel.bucket=\"{}\"", d.bucket)}) {
      arguments.insert(arguments.end(), {"--set", value});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = system_test::run(command_in(directory_, d.ranks, arguments));
    EXPECT_EQ(outcome.code, 0) << outcome.err;

    Result result;
    const auto path = directory_.path() / run;
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

  void expect_equal(const Case& c, const std::vector<Deployment>& deployments) {
    directory_.write("config.toml", c.config);
    const Result reference = train({0, 1, true, "4 KiB"});
    ASSERT_EQ(reference.digest.size(), 39u);
    for (const Deployment& d : deployments) {
      SCOPED_TRACE(fmt::format("{}: {} ranks, {} threads, overlap {}, bucket {}", c.name, d.ranks,
                               d.threads, d.overlap, d.bucket));
      const Result result = train(d);
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

std::vector<Deployment> every_count() {
  std::vector<Deployment> all;
  for (const int ranks : {1, 2, 3, 4, 5, 7, 8}) {
    all.push_back({ranks, 1, ranks % 2 == 0, "4 KiB"});
    all.push_back({ranks, 2, ranks % 2 == 1, "4 KiB"});
  }
  return all;
}

TEST_F(RankInvarianceTest, SgdWithMomentum) {
  directory_.write("data.csv", class_table(248, 20, 5));
  expect_equal(momentum(), every_count());
}

TEST_F(RankInvarianceTest, AdamwWithClipping) {
  directory_.write("data.csv", class_table(248, 20, 5));
  expect_equal(clipping(), every_count());
}

TEST_F(RankInvarianceTest, LambWithBatchNorm) {
  directory_.write("data.csv", class_table(248, 20, 5));
  expect_equal(large_batches(), every_count());
}

// Accumulated gradients are the same sums: with statistics, dropout and norms, in graphs and texts,
// on any number of ranks. A run goes on in other passes.
TEST_F(RankInvarianceTest, Passes) {
  directory_.write("data.csv", class_table(248, 20, 5));
  std::string content;
  for (int i = 0; i < 400; ++i) content += fmt::format("{} ", i * i % 97);
  directory_.write("data.txt", content);
  Case thinned = large_batches();
  thinned.config = replaced(thinned.config, "type = \"relu\"",
                            "type = \"relu\"\n[[layer]]\ntype = \"dropout\"\nrate = 0.2");
  for (const Case& c : {branches(), text(), thinned}) {
    directory_.write("config.toml", c.config);
    const Result whole = train({0, 1, true, "4 KiB"});
    for (const int ranks : {1, 2, 3, 5}) {
      for (const char* passes : {"2", "3", "8"}) {
        SCOPED_TRACE(fmt::format("{}: {} ranks, {} passes", c.name, ranks, passes));
        const Result result = train({ranks, ranks % 2 + 1, ranks != 3, "4 KiB"},
                                    {"--set", fmt::format("parallel.passes={}", passes)});
        EXPECT_EQ(result.digest, whole.digest);
        EXPECT_TRUE(result.checkpoint == whole.checkpoint) << "the checkpoints differ";
        EXPECT_EQ(result.learned, whole.learned);
      }
    }
  }
  const Arguments start = {"train",       "config.toml", "--run-dir", "stopped",
                           "--max-steps", "7",           "--set",     "parallel.passes=4"};
  EXPECT_EQ(run(command_in(directory_, 2, start)).code, 75);
  const Arguments resume = {"train",    "config.toml", "--run-dir", "stopped",
                            "--resume", "auto",        "--set",     "parallel.passes=2"};
  EXPECT_EQ(run(command_in(directory_, 3, resume)).code, 0);
  EXPECT_TRUE(read_text(directory_.path() / "stopped" / "checkpoints" / "latest.h5") ==
              read_text(directory_.path() / fmt::format("run{}", runs_) / "checkpoints/latest.h5"));
}

// The average of the weights is part of the state, and what is judged.
TEST_F(RankInvarianceTest, AverageOfWeights) {
  directory_.write("data.csv", class_table(248, 20, 5));
  Case c = large_batches();
  c.config = replaced(c.config, "lr = 0.02", "lr = 0.02\nema = 0.9");
  expect_equal(
      c,
      {{1, 2, true, "4 KiB"}, {2, 1, true, "1 KiB"}, {3, 2, false, "4 KiB"}, {5, 1, true, "64 B"}});
  const Result whole = train({1, 1, true, "4 KiB"});
  const Arguments start = {"train", "config.toml", "--run-dir", "stopped", "--max-steps", "7"};
  const Outcome first = run(command_in(directory_, 3, start));
  EXPECT_EQ(first.code, 75);
  EXPECT_EQ(count(first.out, "average of the weights"), 1) << first.out;
  const Arguments resume = {"train", "config.toml", "--run-dir", "stopped", "--resume", "auto"};
  EXPECT_EQ(run(command_in(directory_, 2, resume)).code, 0);
  EXPECT_TRUE(read_text(directory_.path() / "stopped" / "checkpoints" / "latest.h5") ==
              whole.checkpoint);

  // What validation measured is what eval finds, in any number of passes; predict agrees.
  const auto loss = [](const std::string& json) {
    const auto at = json.find("\"loss\":");
    return json.substr(at, json.find(',', at) - at);
  };
  const std::string measured = loss(metric_lines(directory_.path() / "stopped", "eval").back());
  for (const char* passes : {"1", "5"}) {
    const Outcome judged = run(command_in(
        directory_, 2, {"eval", "stopped/checkpoints/latest.h5", "--json", "--passes", passes}));
    EXPECT_EQ(judged.code, 0) << judged.err;
    EXPECT_EQ(loss(judged.out), measured) << judged.out;
    EXPECT_EQ(count(judged.out, "\"averaged\":true"), 1) << judged.out;
  }
  const Outcome predicted = run(command_in(directory_, 2,
                                           {"predict", "stopped/checkpoints/latest.h5", "--data",
                                            "data.csv", "--out", "out.csv", "--passes", "3"}));
  EXPECT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(count(predicted.out, "average of the weights"), 1) << predicted.out;

  directory_.write("config.toml", large_batches().config);
  const Result plain = train({1, 1, true, "4 KiB"});
  EXPECT_NE(loss(metric_lines(directory_.path() / fmt::format("run{}", runs_), "eval").back()),
            measured);
  EXPECT_NE(plain.digest, whole.digest);
}

TEST_F(RankInvarianceTest, Regression) {
  directory_.write("data.csv", value_table(248, 9));
  expect_equal(regression(),
               {{1, 2, false, "4 KiB"}, {3, 1, true, "64 B"}, {8, 1, false, "1 MiB"}});
}

// The changes depend on (seed, epoch, sample) alone: also across an interruption within an epoch.
TEST_F(RankInvarianceTest, Augmentation) {
  directory_.write("images", class_images(248, 4, 5));
  directory_.write("labels", class_image_labels(248, 5));
  Case images = augmented();
  images.config = replaced(images.config, "data.csv", "images\"\ntrain_labels = \"labels");
  expect_equal(images, {{1, 2, true, "4 KiB"}, {2, 1, true, "4 KiB"}, {3, 2, false, "64 B"}});

  const Result whole = train({1, 1, true, "4 KiB"});
  const Arguments start = {"train", "config.toml", "--run-dir", "stopped", "--max-steps", "7"};
  EXPECT_EQ(run(command_in(directory_, 3, start)).code, 75);
  const Arguments resume = {"train", "config.toml", "--run-dir", "stopped", "--resume", "auto"};
  EXPECT_EQ(run(command_in(directory_, 2, resume)).code, 0);
  EXPECT_TRUE(read_text(directory_.path() / "stopped" / "checkpoints" / "latest.h5") ==
              whole.checkpoint);
  directory_.write("config.toml", replaced(images.config, "deviation = 0.1", "deviation = 0.2"));
  EXPECT_NE(train({1, 1, true, "4 KiB"}).digest, whole.digest);
}

TEST_F(RankInvarianceTest, BranchesAndBlocks) {
  directory_.write("data.csv", class_table(248, 20, 5));
  expect_equal(branches(), {{1, 2, true, "4 KiB"}, {2, 1, true, "1 KiB"}, {3, 2, false, "4 KiB"}});
}

// Each position has a label, and the windows start elsewhere in the second epoch.
TEST_F(RankInvarianceTest, Text) {
  std::string content;
  for (int i = 0; i < 400; ++i) content += fmt::format("{} ", i * i % 97);
  directory_.write("data.txt", content);
  expect_equal(text(), {{1, 2, true, "4 KiB"}, {2, 1, true, "4 KiB"}, {3, 2, false, "64 B"}});

  const Result whole = train({1, 1, true, "4 KiB"});
  const Arguments start = {"train", "config.toml", "--run-dir", "stopped", "--max-steps", "4"};
  EXPECT_EQ(run(command_in(directory_, 3, start)).code, 75);
  const Arguments resume = {"train", "config.toml", "--run-dir", "stopped", "--resume", "auto"};
  const Outcome resumed = run(command_in(directory_, 2, resume));
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_TRUE(read_text(directory_.path() / "stopped" / "checkpoints" / "latest.h5") ==
              whole.checkpoint);
  // The vocabulary comes from the checkpoint: a text may have fewer symbols, but no other ones.
  const auto judge = [&](const std::string& other) {
    directory_.write("other.txt", other);
    return run(command_in(
        directory_, 2,
        {"eval", "stopped/checkpoints/latest.h5", "--data", "other.txt", "--json", "--confusion"}));
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
    const Outcome outcome = run(command_in(
        directory_, ranks,
        {"predict", "stopped/checkpoints/latest.h5", "--data", "data.txt", "--out", out}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    written.push_back(read_text(directory_.path() / out));
  }
  EXPECT_EQ(written[0], written[1]);
  EXPECT_TRUE(written[0].starts_with("sample,position,label,p0,")) << written[0].substr(0, 80);
  EXPECT_EQ(count(written[0], "\n") % 7, 1);
}

TEST_F(RankInvarianceTest, WeightedClassesAndTopK) {
  directory_.write("data.csv", class_table(248, 20, 5));
  Case c = clipping();
  c.config = std::string(c.config).replace(
      c.config.find("type = \"cross_entropy\""), 22,
      "type = \"cross_entropy\"\nclass_weights = \"balanced\"\nlabel_smoothing = 0.1\ntop_k = 2\n");
  c.config += "[checkpoint]\nbest = \"val/top2\"\n";
  expect_equal(c, {{2, 1, true, "4 KiB"}, {5, 2, false, "4 KiB"}});
  const std::string resolved = read_text(directory_.path() / "run1/config.resolved.toml");
  EXPECT_NE(resolved.find("class_weights = ["), std::string::npos) << resolved;
  EXPECT_EQ(count(read_text(directory_.path() / "run1/metrics.jsonl"), "\"val_top2\":"), 2);
}

// Every probability is written, and the same bytes on any number of ranks.
TEST_F(RankInvarianceTest, ProbabilitiesOfQuestions) {
  directory_.write("data.csv", class_table(248, 6, 2));
  expect_equal(questions(), {{3, 1, true, "4 KiB"}, {8, 1, false, "4 KiB"}});
  std::vector<std::string> written;
  for (const int ranks : {0, 2, 5}) {
    const std::string out = fmt::format("out{}.csv", ranks);
    const Outcome outcome = run(
        command_in(directory_, ranks,
                   {"predict", "run1/checkpoints/latest.h5", "--data", "data.csv", "--out", out}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    written.push_back(read_text(directory_.path() / out));
  }
  EXPECT_EQ(written[0].substr(0, 5), "p0\n0.");
  EXPECT_EQ(count(written[0], "\n"), 249);
  EXPECT_EQ(written[0], written[1]);
  EXPECT_EQ(written[0], written[2]);
}

// One machine stands for several nodes, equal and unequal.
TEST_F(RankInvarianceTest, LayoutOfNodes) {
  directory_.write("data.csv", class_table(248, 20, 5));
  directory_.write("config.toml", clipping().config);
  const Result reference = train({0, 1, true, "4 KiB"});
  for (const char* sizes : {"8", "4", "2", "1", "3,5"}) {
    SCOPED_TRACE(sizes);
    const Result result = train({8, 1, true, "4 KiB"}, {"--ranks-per-node", sizes});
    EXPECT_EQ(result.digest, reference.digest);
    EXPECT_TRUE(result.checkpoint == reference.checkpoint) << "the checkpoints differ";
    EXPECT_EQ(result.learned, reference.learned);
  }
}

#ifdef __FMA__
// The digest in the README: of any build for a processor with fused multiply-adds, whatever its
// compiler and the width of its vectors. Who changes it changes what everybody's runs learn.
TEST_F(RankInvarianceTest, TheDigestOfTheDigitsIsKnown) {
  const std::filesystem::path source = LOCKSTEP_SOURCE_DIR;
  Command command = command_in(directory_, 2,
                               {"train", source / "scripts/configs/digits-mlp.toml", "--run-dir",
                                directory_.path() / "digits"});
  command.directory = source;
  const Outcome outcome = run(command);
  EXPECT_NE(outcome.out.find("digest a673877225b7477b90d64bcb4fa3554a"), std::string::npos)
      << outcome.out << outcome.err;
}
#endif

TEST_F(RankInvarianceTest, AnotherSeedGivesAnotherResult) {
  directory_.write("data.csv", class_table(248, 20, 5));
  directory_.write("config.toml", momentum().config);
  const Result one = train({1, 1, true, "4 KiB"});
  const Result other = train({1, 1, true, "4 KiB"}, {"--seed", "6"});
  EXPECT_NE(one.digest, other.digest);
  EXPECT_NE(one.learned, other.learned);
}

TEST_F(RankInvarianceTest, EvaluationPrintsTheSame) {
  directory_.write("data.csv", class_table(248, 20, 5));
  directory_.write("config.toml", momentum().config);
  train({2, 1, true, "4 KiB"});
  const Arguments arguments = {"eval", "run1/checkpoints/latest.h5", "--json", "--confusion"};
  const Outcome alone = run(command_in(directory_, 0, arguments));
  EXPECT_EQ(alone.code, 0) << alone.err;
  for (const char* figure :
       {"\"acc\":", "\"precision\":", "\"recall\":", "\"f1\":", "\"confusion\":[["}) {
    EXPECT_NE(alone.out.find(figure), std::string::npos) << alone.out;
  }
  for (const int ranks : {1, 4}) {
    const Outcome together = run(command_in(directory_, ranks, arguments));
    EXPECT_EQ(without_times(together.out), without_times(alone.out)) << ranks << " ranks";
  }
}

}  // namespace
}  // namespace lockstep::system_test
