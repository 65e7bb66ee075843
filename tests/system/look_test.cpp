// What a run says of data and networks that may not be meant, and what it makes of labels that
// nobody knows and of images with channels first.
#include <gtest/gtest.h>

#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

class LookTest : public testing::Test {
 protected:
  /// A configuration: lines of [data] beside batch, then sections of layers.
  void config(const std::string& data, const std::string& layers, const std::string& loss) const {
    directory_.write("c.toml", "[run]\nepochs = 3\nseed = 1\n[data]\nbatch = 8\n" + data + layers +
                                   "[loss]\ntype = \"" + loss +
                                   "\"\n[optimizer]\ntype = \"sgd\"\nlr = 0.1\n");
  }

  [[nodiscard]] Outcome train(int ranks, const Arguments& more) const {
    Arguments line = {"train", "c.toml"};
    line.insert(line.end(), more.begin(), more.end());
    return run(command_in(directory_, ranks, line));
  }

  /// The digest that a run ends with.
  [[nodiscard]] std::string digest(int ranks, const std::string& directory,
                                   const Arguments& more = {}) const {
    Arguments line = {"--run-dir", directory};
    line.insert(line.end(), more.begin(), more.end());
    const Outcome outcome = train(ranks, line);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    const std::size_t at = outcome.out.find("\ndigest ");
    return at == std::string::npos ? outcome.out : outcome.out.substr(at, 40);
  }

  TemporaryDirectory directory_;
};

std::string linear(const std::string& out) {
  return "[[layer]]\ntype = \"linear\"\nout = " + out + "\n";
}

std::string layer(const std::string& type) { return "[[layer]]\ntype = \"" + type + "\"\n"; }

template <typename T>
std::string npy_of(const std::string& type, const std::string& shape,
                   const std::vector<T>& numbers) {
  std::string data;
  for (const T x : numbers) data += little_endian(x);
  return npy_file(type, shape, data);
}

TEST_F(LookTest, NotesAppearOnceBeforeTrainingStarts) {
  std::string table = "a,b,y\n";
  Numbers numbers(1);
  for (int i = 0; i < 40; ++i) table += fmt::format("{:.3f},7,{}\n", numbers.next(), i % 2 * 2);
  directory_.write("t.csv", table);
  config("train = \"t.csv\"\n", linear("3") + layer("softmax"), "cross_entropy");
  const std::vector<std::string> notes = {"note   layer 'softmax', softmax, is the last",
                                          "note   column 1 ('b') of the inputs",
                                          "note   no training samples of class 1\n"};
  const Outcome dry = train(3, {"--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  const Outcome real = train(0, {"--run-dir", "r"});
  EXPECT_EQ(real.code, 0) << real.err;
  const std::string log = read_text(directory_ / "r/log.txt");
  for (const std::string& note : notes) {
    EXPECT_EQ(count(dry.out, note), 1) << dry.out;
    EXPECT_EQ(count(real.out, note), 1) << real.out;
    EXPECT_EQ(count(log, note), 1) << log;
    EXPECT_LT(real.out.find(note), real.out.find("epoch "));
  }
  const Outcome again = train(0, {"--dry-run", "--set", "data.val=t.csv"});
  EXPECT_EQ(count(again.out, "note   all 40 validation samples are also training samples"), 1)
      << again.out;
  const Outcome few = train(0, {"--dry-run", "--set", "data.holdout=0.01"});
  EXPECT_EQ(count(few.out, "note   only one validation sample"), 1) << few.out;
}

TEST_F(LookTest, WhatCannotBeMeantIsRefused) {
  std::string zero, same;
  Numbers numbers(1);
  for (int i = 0; i < 40; ++i) {
    zero += fmt::format("{:.3f},{:.3f},0\n", numbers.next(), numbers.next());
    same += fmt::format("1,2,{}\n", i % 2);
  }
  directory_.write("zero.csv", zero);
  directory_.write("same.csv", same);
  const auto refusal = [&](const std::string& file, const std::string& layers,
                           const std::string& loss, int ranks, int code) {
    config("train = \"" + file + "\"\n", layers, loss);
    const Outcome outcome = train(ranks, {"--dry-run"});
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_EQ(count(outcome.err, "error:"), 1) << outcome.err;
    return outcome.err;
  };
  const auto expect = [](const std::string& message, std::string_view part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(refusal("zero.csv", linear("1"), "cross_entropy", 0, 78), "use binary_cross_entropy");
  expect(refusal("zero.csv", linear("2"), "cross_entropy", 2, 65), "training labels are 0");
  expect(refusal("zero.csv", linear("1"), "mse", 0, 65), "the target is 0");
  expect(refusal("same.csv", linear("2"), "cross_entropy", 0, 65), "the inputs of all");
  config("ignore_label = 1\ntrain = \"same.csv\"\n", linear("1"), "mse");
  expect(train(0, {"--dry-run"}).err, "'ignore_label' is for class labels");
}

// R2 needs answers that vary, and is there for several outputs.
TEST_F(LookTest, AFigureThatCannotBeFormedIsRefusedAtTheStart) {
  directory_.write("t.csv", value_table(40, 2));
  directory_.write("flat.csv", "0.1,0.2,5\n0.3,0.1,5\n");
  config("train = \"t.csv\"\nval = \"flat.csv\"\n", linear("1"), "mse");
  for (const Arguments& wish : std::vector<Arguments>{
           {"--set", "checkpoint.best=val/r2"},
           {"--set", "stop.metric=val/r2", "--set", "stop.patience=2"},
           {"--set", "schedule.type=plateau", "--set", "schedule.metric=val/r2"}}) {
    const Outcome outcome = train(0, wish);
    EXPECT_EQ(outcome.code, 78) << outcome.err;
    EXPECT_NE(outcome.err.find("val/r2 cannot be formed: target column 0"), std::string::npos)
        << outcome.err;
  }
  EXPECT_EQ(train(0, {"--dry-run", "--set", "checkpoint.best=val/rmse"}).code, 0);
  config("train = \"t.csv\"\nholdout = 0\n", linear("1"), "mse");
  const Outcome all = train(0, {"--dry-run", "--set", "checkpoint.best=val/rmse"});
  EXPECT_EQ(count(all.out, "note   no validation samples"), 1) << all.out << all.err;

  std::vector<float> x;
  Numbers numbers(5);
  for (int i = 0; i < 60; ++i) x.push_back(static_cast<float>(numbers.next()));
  directory_.write("x.npy", npy_of("<f4", "(30, 2)", x));
  config("train = \"x.npy\"\ntrain_labels = \"x.npy\"\nholdout = 0.3\n", linear("2"), "mse");
  const Outcome several = train(2, {"--set", "checkpoint.best=val/r2", "--run-dir", "r"});
  EXPECT_EQ(several.code, 0) << several.err;
  EXPECT_NE(several.out.find("best val/r2"), std::string::npos) << several.out;
  const Outcome judged = run(command_in(
      directory_, 2, {"eval", "r/checkpoints/best.h5", "--data", "x.npy", "--labels", "x.npy"}));
  EXPECT_NE(judged.out.find("r2 "), std::string::npos) << judged.out << judged.err;
}

// Means are over known labels, on any ranks and after any resume.
TEST_F(LookTest, MasksGiveTheSameBitsOnAnyRanks) {
  std::vector<float> x;
  std::vector<std::int32_t> y;
  Numbers numbers(2);
  for (int i = 0; i < 30 * 16; ++i) {
    x.push_back(static_cast<float>(numbers.next()));
    const bool unknown = i % 16 < i / 16 % 17;  // from none of a sample to all
    y.push_back(unknown ? 255 : x.back() > 0.5f ? 1 : 0);
  }
  directory_.write("x.npy", npy_of("<f4", "(30, 4, 4, 1)", x));
  directory_.write("y.npy", npy_of("<i4", "(30, 4, 4)", y));
  config("train = \"x.npy\"\ntrain_labels = \"y.npy\"\nignore_label = 255\nholdout = 0.2\n",
         "[[layer]]\ntype = \"conv2d\"\nout = 4\nkernel = 3\n" + layer("batch_norm") +
             layer("relu") + linear("2"),
         "cross_entropy");
  const std::string one = digest(0, "one");
  for (const int ranks : {2, 5, 8}) EXPECT_EQ(digest(ranks, std::to_string(ranks)), one);
  EXPECT_EQ(digest(4, "nodes", {"--ranks-per-node", "1,3"}), one);
  EXPECT_EQ(train(3, {"--run-dir", "parts", "--max-steps", "4"}).code, 75);
  EXPECT_EQ(train(2, {"--run-dir", "parts", "--resume", "auto"}).code, 0);
  EXPECT_EQ(read_text(directory_ / "parts/checkpoints/latest.h5"),
            read_text(directory_ / "one/checkpoints/latest.h5"));
  const Outcome info = run(
      command_in(directory_, 0,
                 {"data", "info", "x.npy", "--labels", "y.npy", "--set", "data.ignore_label=255"}));
  EXPECT_NE(info.out.find("2 classes, "), std::string::npos) << info.out;
  EXPECT_NE(info.out.find(" of 480 labels ignored"), std::string::npos) << info.out;
  const Outcome confusion =
      run(command_in(directory_, 2, {"eval", "one/checkpoints/best.h5", "--confusion"}));
  EXPECT_EQ(confusion.code, 0) << confusion.err;
}

TEST_F(LookTest, ChannelsFirstTrainAsChannelsLast) {
  constexpr int kSamples = 24, kChannels = 3, kPositions = 36;
  std::vector<float> first(kSamples * kChannels * kPositions), last(first.size());
  std::vector<std::int32_t> labels;
  Numbers numbers(3);
  for (int i = 0; i < kSamples; ++i) {
    labels.push_back(i % 2);
    for (int c = 0; c < kChannels; ++c) {
      for (int p = 0; p < kPositions; ++p) {
        const auto v = static_cast<float>(numbers.next() + (c == i % 2 ? 1 : 0));
        first[static_cast<std::size_t>((i * kChannels + c) * kPositions + p)] = v;
        last[static_cast<std::size_t>((i * kPositions + p) * kChannels + c)] = v;
      }
    }
  }
  directory_.write("first.npy", npy_of("<f4", "(24, 3, 6, 6)", first));
  directory_.write("last.npy", npy_of("<f4", "(24, 6, 6, 3)", last));
  directory_.write("y.npy", npy_of("<i4", "(24,)", labels));
  config("train = \"last.npy\"\ntrain_labels = \"y.npy\"\nnormalize = \"standard\"\n",
         "[[layer]]\ntype = \"conv2d\"\nout = 4\nkernel = 3\n" + layer("flatten") + linear("2"),
         "cross_entropy");
  EXPECT_EQ(digest(0, "last"),
            digest(2, "first", {"--set", "data.train=first.npy", "--set", "data.layout=nchw"}));
  const Arguments info = {"data", "info", "first.npy", "--labels", "y.npy"};
  const Outcome hint = run(command_in(directory_, 0, info));
  EXPECT_NE(hint.out.find("set data.layout = \"nchw\""), std::string::npos) << hint.out;
  Arguments told = info;
  told.insert(told.end(), {"--set", "data.layout=nchw"});
  EXPECT_EQ(run(command_in(directory_, 0, told)).out.find("note"), std::string::npos);
}

// Pairs are enough; one sample alone is not.
TEST_F(LookTest, BatchNormLearnsFromSmallBatches) {
  std::string table = "a,b,y\n";
  Numbers numbers(1);
  for (int i = 0; i < 200; ++i) {
    const double a = numbers.next();
    table += fmt::format("{:.4f},{:.3f},{}\n", a, 100 * numbers.next(), a > 0.5 ? 1 : 0);
  }
  directory_.write("t.csv", table);
  config("train = \"t.csv\"\nnormalize = \"standard\"\nholdout = 0.25\n",
         linear("8") + layer("batch_norm") + layer("relu") + linear("2"), "cross_entropy");
  const Outcome learned = train(2, {"--run-dir", "r", "--set", "run.epochs=20"});
  EXPECT_NE(learned.out.find("4 microbatches"), std::string::npos) << learned.out;
  const std::size_t at = learned.out.find("acc ", learned.out.find("epoch 20/20"));
  ASSERT_NE(at, std::string::npos) << learned.out << learned.err;
  EXPECT_GE(std::stod(learned.out.substr(at + 4)), 88) << learned.out;
  const Outcome alone = train(2, {"--set", "parallel.microbatches=8"});
  EXPECT_EQ(alone.code, 78);
  EXPECT_NE(alone.err.find("--set parallel.microbatches=3"), std::string::npos) << alone.err;
  EXPECT_EQ(train(8, {"--dry-run"}).code, 78);
}

}  // namespace
}  // namespace lockstep::system_test
