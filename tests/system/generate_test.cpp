// `trainer generate`: the text is a function of checkpoint, prompt, options and seed.
#include <gtest/gtest.h>

#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

constexpr std::string_view kGenerateConfig = R"(
[run]
name = "writer"
epochs = 4
[data]
type = "text"
train = "data.txt"
context = 12
batch = 32
[[layer]]
type = "embedding"
symbols = "vocab"
dim = 16
positions = "learned"
[[layer]]
name = "block"
type = "transformer_block"
heads = 2
causal = true
dropout = 0.1
[[layer]]
type = "gru"
units = 16
[[layer]]
type = "linear"
out = "vocab"
[loss]
type = "cross_entropy"
[optimizer]
type = "adamw"
lr = 0.01
)";

class GenerateTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = std::make_unique<TemporaryDirectory>();
    std::string text;
    for (int i = 0; i < 500; ++i) text += fmt::format("{} für {};\n", i * i % 97, i % 7);
    directory_->write("data.txt", text);
    train("writer", kGenerateConfig);
  }
  static void TearDownTestSuite() { directory_.reset(); }

  static void train(const std::string& name, std::string_view config) {
    directory_->write(name + ".toml", config);
    const Outcome outcome =
        run(command_in(*directory_, 0, {"train", name + ".toml", "--run-dir", name}));
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  }

  static Arguments arguments(const Arguments& more, const std::string& name = "writer") {
    Arguments all = {"generate", name + "/checkpoints/latest.h5"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  static Outcome generate(int ranks, const Arguments& more) {
    const Outcome outcome = run(command_in(*directory_, ranks, arguments(more)));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome;
  }

  static std::unique_ptr<TemporaryDirectory> directory_;
};

std::unique_ptr<TemporaryDirectory> GenerateTest::directory_;

TEST_F(GenerateTest, TheTextIsAFunctionOfTheRequest) {
  const Arguments request = {"--prompt", "4 für", "--length", "60", "--seed", "3"};
  const Outcome alone = generate(0, request);
  EXPECT_TRUE(alone.out.starts_with("4 für")) << alone.out;
  EXPECT_TRUE(alone.out.ends_with("\n"));
  EXPECT_NE(alone.err.find("60 symbols after a prompt of 5, "), std::string::npos) << alone.err;
  EXPECT_EQ(generate(1, request).out, alone.out);
  EXPECT_EQ(generate(3, request).out, alone.out);
  Arguments other = request;
  other.back() = "4";
  EXPECT_NE(generate(0, other).out, alone.out);
}

TEST_F(GenerateTest, ADamagedCheckpointOfTheRunIsPassedOver) {
  std::filesystem::create_directories(*directory_ / "damaged");
  const std::string latest = *directory_ / "writer/checkpoints/latest.h5";
  const std::string name = std::filesystem::read_symlink(latest).filename();
  std::filesystem::copy_file(latest, *directory_ / ("damaged/" + name));
  directory_->write("damaged/best.h5", "damaged");
  const Outcome outcome = run(command_in(*directory_, 0, {"generate", "damaged", "--length", "5"}));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(count(outcome.err, "note   passed over damaged/best.h5: too short"), 1) << outcome.err;
}

// What is generated can be the prompt: the window is a function of the number of symbols alone.
TEST_F(GenerateTest, AContinuationGoesOnAsTheWholeDid) {
  const std::string whole =
      generate(0, {"--prompt", "1", "--length", "80", "--temperature", "0"}).out;
  ASSERT_EQ(count(whole, "\xc3"), count(whole, "\xbc")) << "characters are whole";
  std::string begin = whole.substr(0, 31);
  if (begin.back() == '\xc3') begin.pop_back();
  EXPECT_TRUE(generate(0, {"--prompt", begin, "--length", "20", "--temperature", "0"})
                  .out.starts_with(whole.substr(0, 45)));
}

// Temperature 0 takes what `trainer predict` calls the label of the last position.
TEST_F(GenerateTest, TemperatureZeroTakesTheLabel) {
  const std::string prompt = "16 für 4;\n25";  // a window of 12 symbols
  directory_->write("prompt.txt", prompt + std::string(12, ' '));
  run(command_in(
      *directory_, 0,
      {"predict", "writer/checkpoints/latest.h5", "--data", "prompt.txt", "--out", "labels.csv"}));
  const std::string labels = read_text(*directory_ / "labels.csv");
  const std::string text = generate(0, {"--prompt", prompt, "--length", "1", "--temperature", "0"})
                               .out.substr(prompt.size());
  std::string alphabet = "\n 0123456789;f";  // in the order of code points
  const std::size_t row = labels.find("\n0,11,") + 6;
  const auto label = static_cast<std::size_t>(std::atoi(labels.c_str() + row));
  ASSERT_LT(label, alphabet.size());
  EXPECT_EQ(text, std::string(1, alphabet[label]) + "\n");
}

TEST_F(GenerateTest, TheTextComesAsItIsMade) {
  Process process(command_in(*directory_, 0, arguments({"--length", "100000000"})));
  EXPECT_TRUE(wait_until(20, [&] { return process.out().size() > 100; }));
  EXPECT_FALSE(process.ended());
}

struct Refusal {
  Arguments options;
  int code;
  std::string said;
};

TEST_F(GenerateTest, WrongRequestsAreRefused) {
  for (const Refusal& refusal : std::vector<Refusal>{
           {{"--prompt", "7 für x"}, 64, "--prompt:1: column 7: expected one of the"},
           {{"--prompt", "\xff"}, 64, "column 1: expected a character in UTF-8, found byte ff"},
           {{"--prompt", ""}, 64, "--prompt: expected at least one symbol"},
           {{"--length", "0"}, 64, "--length: expected a number of symbols of at least 1, found 0"},
           {{"--temperature", "-1"},
            64,
            "--temperature: expected a number of at least 0, found -1"},
           {{"--temperature", "nan"}, 64, "--temperature: expected a number of at least 0"},
           {{"--temperature", "warm"}, 64, "--temperature"},
           {{"--top-k", "-1"}, 64, "--top-k: expected a number of symbols of at least 0, found -1"},
           {{"--top-p", "0"}, 64, "--top-p: expected a probability above 0, at most 1, found 0"},
           {{"--top-p", "1.5"}, 64, "--top-p: expected a probability above 0, at most 1"},
           {{"--seed", "-1"}, 64, "--seed: expected a number of at least 0, found -1"},
       }) {
    const bool seen_by_one_rank = refusal.options.front() == "--prompt";
    const int ranks = seen_by_one_rank ? 3 : 0;
    const Outcome outcome = run(command_in(*directory_, ranks, arguments(refusal.options)));
    EXPECT_EQ(outcome.code, refusal.code) << outcome.err;
    EXPECT_EQ(count(outcome.err, refusal.said), 1) << refusal.said << '\n' << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(GenerateTest, NetworksThatDoNotWriteAreRefused) {
  train("ahead", replaced(kGenerateConfig, "causal = true", "causal = false"));
  directory_->write("data.csv", class_table(60, 4, 3));
  train("classes", R"(
[run]
name = "classes"
epochs = 1
[data]
train = "data.csv"
batch = 20
[[layer]]
type = "linear"
out = 3
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.1
)");
  const Outcome ahead = run(command_in(*directory_, 2, arguments({}, "ahead")));
  EXPECT_EQ(ahead.code, 64);
  EXPECT_EQ(count(ahead.err, "layer 'block.self_attn': attention does not take a sequence"), 1)
      << ahead.err;
  const Outcome classes = run(command_in(*directory_, 0, arguments({}, "classes")));
  EXPECT_EQ(classes.code, 64);
  EXPECT_EQ(count(classes.err, "its data was no text"), 1) << classes.err;
  EXPECT_EQ(run(command_in(*directory_, 0, {"generate", "none.h5"})).code, 66);
}

}  // namespace
}  // namespace lockstep::system_test
