// The contract: the number of ranks and threads, the overlap and the size of the buckets are
// details of deployment, which change no bit of what is learned.
#include <gtest/gtest.h>

#include "lockstep/io/hdf5.hpp"
#include "system/deployments.hpp"

namespace lockstep::system_test {
namespace {

Case table(const std::string& name, std::string_view rest) {
  return {name, fmt::format("{}train = \"data.csv\"\n{}", kHead, rest)};
}

Case momentum() {
  return table("sgd with momentum", R"(
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
)");
}

Case clipping() {
  return table("AdamW with clipping", R"(
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
)");
}

Case regression() {
  return table("regression", R"(
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
)");
}

// Named inputs, blocks, norms and dropout; statistics of microbatches travel with the gradients.
Case branches() {
  return table("a graph of branches and blocks", R"(
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
)");
}

Case questions() {
  return table("a yes-or-no question", R"(
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
)");
}

using RankInvarianceTest = Deployed;

/// The loss in a JSON object, as text.
std::string loss(const std::string& json) {
  const auto at = json.find("\"loss\":");
  return json.substr(at, json.find(',', at) - at);
}

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

// The average of the weights is part of the state, and what is judged.
TEST_F(RankInvarianceTest, AverageOfWeights) {
  directory_.write("data.csv", class_table(248, 20, 5));
  Case c = branches();
  c.config = replaced(c.config, "lr = 0.003", "lr = 0.003\nema = 0.9");
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

  // What validation measured is what eval finds, in any number of rounds; predict agrees.
  const std::string measured = loss(metric_lines(directory_.path() / "stopped", "eval").back());
  for (const char* rounds : {"1", "5"}) {
    const Outcome judged = run(command_in(
        directory_, 2, {"eval", "stopped/checkpoints/latest.h5", "--json", "--rounds", rounds}));
    EXPECT_EQ(judged.code, 0) << judged.err;
    EXPECT_EQ(loss(judged.out), measured) << judged.out;
    EXPECT_EQ(count(judged.out, "\"averaged\":true"), 1) << judged.out;
  }
  const Outcome predicted =
      run(command_in(directory_, 2,
                     {"predict", "stopped/checkpoints/latest.h5", "--data", "data.csv", "--out",
                      "out.csv", "--accumulation", "3"}));
  EXPECT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(count(predicted.err, "average of the weights"), 1) << predicted.err;

  directory_.write("config.toml", branches().config);
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

TEST_F(RankInvarianceTest, BranchesAndBlocks) {
  directory_.write("data.csv", class_table(248, 20, 5));
  expect_equal(branches(), {{1, 2, true, "4 KiB"}, {2, 1, true, "1 KiB"}, {3, 2, false, "4 KiB"}});
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

// The fifth input is the weight of a sample, in training and wherever the loss is measured.
TEST_F(RankInvarianceTest, WeightedSamples) {
  directory_.write("data.csv", class_table(248, 21, 5));
  Case c = momentum();
  c.config = replaced(c.config, "train = \"data.csv\"", "train = \"data.csv\"\nweights = 4");
  expect_equal(c, {{2, 2, true, "4 KiB"}, {3, 1, false, "4 KiB"}, {8, 1, true, "64 B"}});
  const Outcome judged =
      run(command_in(directory_, 2, {"eval", "run1/checkpoints/latest.h5", "--json"}));
  EXPECT_EQ(judged.code, 0) << judged.err;
  EXPECT_EQ(loss(judged.out), loss(metric_lines(directory_.path() / "run1", "eval").back()));
  directory_.write("config.toml", replaced(c.config, "weights = 4", "weights = 5"));
  EXPECT_NE(train({1, 1, true, "4 KiB"}).digest,
            train({1, 1, true, "4 KiB"}, {"--set", "data.weights=4"}).digest);
}

// A label for every position of a sequence: is the number there above the one before?
TEST_F(RankInvarianceTest, LabelsOfPositions) {
  constexpr Index kSamples = 248, kPositions = 9;
  Numbers numbers(2);
  std::vector<float> x;
  std::vector<std::int64_t> y;
  for (Index i = 0; i < kSamples * kPositions; ++i) {
    x.push_back(static_cast<float>(numbers.next()));
    y.push_back(i % kPositions > 0 && x.back() > x[x.size() - 2] ? 1 : 0);
  }
  Hdf5Writer file;
  file.dataset("/x", {{kSamples, kPositions, 1, 1}}, x);
  file.dataset("/y", {{kSamples, kPositions}}, y);
  directory_.write("data.h5", text_of(file.finish()));
  const Case c{"labels of positions", fmt::format("{}train = \"data.h5\"\n{}", kHead, R"(
[[layer]]
type = "lstm"
units = 12
[[layer]]
type = "linear"
out = 2
[loss]
type = "cross_entropy"
class_weights = "balanced"
[optimizer]
type = "adamw"
lr = 0.05
[checkpoint]
best = "val/acc"
)")};
  const std::string many = replaced(c.config, "epochs = 2", "epochs = 8");
  expect_equal({c.name, many}, {{2, 1, true, "4 KiB"}, {3, 2, false, "4 KiB"}});
  const Outcome judged =
      run(command_in(directory_, 2, {"eval", "run1/checkpoints/latest.h5", "--json"}));
  const auto at = judged.out.find("\"acc\":");
  ASSERT_NE(at, std::string::npos) << judged.out << judged.err;
  EXPECT_GT(std::stod(judged.out.substr(at + 6)), 0.9) << judged.out;
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
  EXPECT_TRUE(written[0].starts_with("sample,truth,prediction,p0\n0,")) << written[0].substr(0, 80);
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

// The digest in the README: of any build, whatever its compiler and the width of its vectors. Who
// changes it changes what everybody's runs learn.
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
