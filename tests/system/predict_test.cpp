// What becomes of a trained network: `eval` and `predict` on whatever data, of whatever run.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "io/hdf5_testing.hpp"
#include "lockstep/io/safetensors.hpp"
#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

/// A configuration of a small network; `data` are lines of [data], `more` goes behind everything.
std::string config(const std::string& data, const std::string& layers, const std::string& loss,
                   const std::string& more = "") {
  return fmt::format(R"([run]
name = "small"
epochs = 1
[data]
batch = 8
{}
{}
[loss]
type = "{}"
[optimizer]
type = "sgd"
lr = 0.1
{})",
                     data, layers, loss, more);
}

std::string linear(int out) { return fmt::format("[[layer]]\ntype = \"linear\"\nout = {}\n", out); }

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<float> ramp(int count) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<float>((i * 7) % 13) / 8);
  return values;
}

class PredictTest : public testing::Test {
 protected:
  [[nodiscard]] Outcome trainer(const Arguments& arguments, int ranks = 0) const {
    return run(command_in(directory_, ranks, arguments));
  }
  /// A run in RUN.
  void train(const std::string& name, const std::string& text, const Arguments& more = {}) const {
    directory_.write(name + ".toml", text);
    Arguments line = {"train", name + ".toml", "--run-dir", name};
    line.insert(line.end(), more.begin(), more.end());
    const Outcome outcome = trainer(line);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  }
  /// The table that `trainer predict RUN ...` writes to standard output.
  [[nodiscard]] std::vector<std::string> table(const std::string& run, const Arguments& more,
                                               int ranks = 0) const {
    Arguments line = {"predict", run, "--out", "-"};
    line.insert(line.end(), more.begin(), more.end());
    const Outcome outcome = trainer(line, ranks);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return lines_of(outcome.out);
  }

  TemporaryDirectory directory_;
};

// Inputs alone have one column of targets, the network has two.
TEST_F(PredictTest, SeveralValuesOfInputsAlone) {
  write_hdf5_rows(directory_ / "two.h5", "x", true, {200, 3}, ramp(600));
  write_hdf5_rows(directory_ / "two.h5", "y", false, {200, 2}, ramp(400));
  write_hdf5_rows(directory_ / "inputs.h5", "x", true, {200, 3}, ramp(600));
  std::string csv;
  for (int i = 0; i < 200; ++i) {
    const auto x = ramp(600);
    const auto at = static_cast<std::size_t>(3 * i);
    csv += fmt::format("{},{},{}\n", x[at], x[at + 1], x[at + 2]);
  }
  directory_.write("inputs.csv", csv);
  for (const char* normalize : {"none", "standard"}) {
    const std::string name = normalize;
    train(name,
          config("train = \"two.h5\"\nnormalize_targets = \"" + name + "\"", linear(2), "mse"));
    train("streamed_" + name,
          config("train = \"two.h5\"\nmemory = \"1 KiB\"\nnormalize_targets = \"" + name + "\"",
                 linear(2), "mse"));
    const auto of_inputs = table(name, {"--data", "inputs.h5"});
    ASSERT_EQ(of_inputs.size(), 201U);
    EXPECT_EQ(of_inputs[0], "sample,prediction0,prediction1");
    EXPECT_EQ(table(name, {"--data", "inputs.csv"}), of_inputs);
    EXPECT_EQ(table(name, {"--data", "inputs.h5"}, 3), of_inputs);
    const auto streamed = table("streamed_" + name, {"--data", "inputs.h5"}, 2);
    EXPECT_EQ(streamed.size(), 201U);
    EXPECT_EQ(table("streamed_" + name, {"--data", "two.h5", "--old-columns"}).front(), "y0,y1");
    EXPECT_EQ(table(name, {"--data", "two.h5"}).front(),
              "sample,truth0,truth1,prediction0,prediction1");
  }
}

TEST_F(PredictTest, StreamOfANetworkWithSeveralOutputs) {
  write_hdf5_rows(directory_ / "two.h5", "x", true, {64, 3}, ramp(192));
  write_hdf5_rows(directory_ / "two.h5", "y", false, {64, 2}, ramp(128));
  train("two", config("train = \"two.h5\"", linear(2), "mse"));
  const std::vector<float> sample = ramp(3);
  directory_.write("sample", std::string(reinterpret_cast<const char*>(sample.data()), 12));
  const Outcome outcome = run(shell_in(directory_, "\"$TRAINER\" predict two --stream < sample"));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto rows = lines_of(outcome.out);
  ASSERT_EQ(rows.size(), 2U) << outcome.out;
  EXPECT_EQ(rows[0], "prediction0,prediction1");
  EXPECT_EQ(rows[1], table("two", {"--data", "two.h5", "--old-columns"}).at(1));
}

// Time stamps lose their digits as floats, temperatures in kelvin do not.
TEST_F(PredictTest, NumbersThatFloatsCannotHoldAreNotStreamed) {
  const auto streamed = [&](const std::string& name, double start) {
    std::string csv;
    for (int i = 0; i < 64; ++i) csv += fmt::format("{:.2f},{}\n", start + i * 0.01, i % 5);
    directory_.write(name + ".csv", csv);
    train(name, config(fmt::format("train = \"{}.csv\"\nnormalize = \"standard\"", name), linear(1),
                       "mse"));
    const auto sample = static_cast<float>(start);
    directory_.write("sample", std::string(reinterpret_cast<const char*>(&sample), 4));
    return run(shell_in(directory_, "\"$TRAINER\" predict " + name + " --stream < sample"));
  };
  const Outcome stamps = streamed("stamps", 1e12);
  EXPECT_EQ(stamps.code, 65) << stamps.err;
  EXPECT_EQ(stamps.out, "");
  EXPECT_NE(stamps.err.find("try: trainer predict --data FILE"), std::string::npos) << stamps.err;
  // Those who take the weights get the whole mean, in double.
  const Outcome exported = trainer({"export", "stamps", "--out", "stamps.safetensors"});
  EXPECT_EQ(exported.code, 0) << exported.err;
  const std::string weights = read_text(directory_ / "stamps.safetensors");
  const Safetensors content =
      read_safetensors(std::as_bytes(std::span(weights)), "stamps.safetensors");
  EXPECT_NEAR(std::stod(content.metadata.at("input_mean").substr(1)), 1e12 + 0.32, 0.1);
  const Outcome kelvins = streamed("kelvins", 300);
  EXPECT_EQ(kelvins.code, 0) << kelvins.err;
  const std::string answer = table("kelvins", {"--data", "kelvins.csv"}).at(1);
  EXPECT_EQ("0,0," + lines_of(kelvins.out).at(1), answer);
}

// What the files of a run needed to be read binds no other files, nor are its remedies theirs.
TEST_F(PredictTest, OtherFilesAreOfAnotherFormat) {
  write_hdf5_rows(directory_ / "first.h5", "x", true, {64, 1, 1, 3}, ramp(192));
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 64; ++i) labels.push_back(static_cast<std::uint8_t>(i % 2));
  write_hdf5_rows(directory_ / "first.h5", "y", false, {64}, labels);
  train("first", config("train = \"first.h5\"\nlayout = \"nchw\"",
                        "[[layer]]\ntype = \"flatten\"\n" + linear(2), "cross_entropy"));
  std::filesystem::create_directories(directory_ / "images/0");
  directory_.write("images/0/a.pgm", "P5 3 1 255\nabc");
  EXPECT_EQ(table("first", {"--data", "images"}).size(), 2U);

  write_hdf5_rows(directory_ / "beyond.h5", "x", true, {2, 1, 1, 3}, ramp(6));
  write_hdf5_rows(directory_ / "beyond.h5", "y", false, {2}, std::vector<std::uint8_t>{1, 255});
  const Outcome beyond = trainer({"eval", "first", "--data", "beyond.h5"});
  EXPECT_EQ(beyond.code, 65) << beyond.err;
  EXPECT_NE(beyond.err.find("the network answers each sample with a label from 0 to 1"),
            std::string::npos)
      << beyond.err;
  EXPECT_EQ(beyond.err.find("--set"), std::string::npos) << beyond.err;
  const Outcome suffix = trainer({"predict", "first", "--data", "beyond.h5", "--out", "p.h5"});
  EXPECT_EQ(suffix.code, 64) << suffix.err;
  EXPECT_NE(suffix.err.find("try: --out p.csv"), std::string::npos) << suffix.err;
}

TEST_F(PredictTest, AnAnswerForEachPositionOfAnImage) {
  write_hdf5_rows(directory_ / "masks.h5", "x", true, {16, 2, 3, 1}, ramp(96));
  write_hdf5_rows(directory_ / "inputs.h5", "x", true, {16, 2, 3, 1}, ramp(96));
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 96; ++i) labels.push_back(static_cast<std::uint8_t>(i % 2));
  write_hdf5_rows(directory_ / "masks.h5", "y", false, {16, 2, 3}, labels);
  const std::string conv = "[[layer]]\ntype = \"conv2d\"\nout = 2\nkernel = 1\n";
  train("masks", config("train = \"masks.h5\"", conv, "cross_entropy"));
  const auto known = table("masks", {"--data", "masks.h5"});
  ASSERT_EQ(known.size(), 97U);
  EXPECT_EQ(known[0], "sample,position,truth,prediction,p0,p1");
  EXPECT_TRUE(known[2].starts_with("0,1,1,")) << known[2];
  const auto unknown = table("masks", {"--data", "inputs.h5"});
  ASSERT_EQ(unknown.size(), 97U);
  EXPECT_EQ(unknown[0], "sample,position,prediction,p0,p1");
}

// Checkpoints that a run may make are used, whatever it asked of its training.
TEST_F(PredictTest, WhatTrainingWasAskedForIsNothingToUsers) {
  directory_.write("data.csv", class_table(120, 4, 3));
  train("rollback",
        config("train = \"data.csv\"", linear(3), "cross_entropy",
               "[divergence]\naction = \"rollback\"\n[checkpoint]\nevery = \"4 steps\"\n"
               "[eval]\nevery = \"0.00001 epochs\"\n"));
  train("balanced",
        config("train = \"data.csv\"", linear(3), "cross_entropy\"\nclass_weights = \"balanced",
               "[stop]\npatience = 2\n"));
  for (const char* run : {"rollback", "balanced"}) {
    const Outcome eval = trainer({"eval", run});
    EXPECT_EQ(eval.code, 0) << eval.err;
    EXPECT_EQ(table(run, {"--data", "data.csv"}).size(), 121U);
  }
}

TEST_F(PredictTest, OnlyTheFilesThatAreUsedMustBeThere) {
  directory_.write("data.csv", class_table(120, 4, 3));
  directory_.write("val.csv", class_table(30, 4, 3));
  train("split", config("train = \"data.csv\"\nval = \"val.csv\"", linear(3), "cross_entropy"));
  train("held", config("train = \"data.csv\"\nholdout = 0.25", linear(3), "cross_entropy"));
  std::filesystem::rename(directory_ / "data.csv", directory_ / "moved.csv");
  EXPECT_EQ(trainer({"eval", "split"}).code, 0);
  const Outcome gone = trainer({"eval", "held"});
  EXPECT_EQ(gone.code, 66);
  EXPECT_NE(gone.err.find("data.csv"), std::string::npos) << gone.err;
  EXPECT_NE(gone.err.find("--data FILE"), std::string::npos) << gone.err;
  const Outcome moved = trainer({"eval", "held", "--data", "moved.csv", "--held-out"});
  EXPECT_EQ(moved.code, 0) << moved.err;
  EXPECT_NE(moved.out.find("moved.csv (held out)  30 samples"), std::string::npos) << moved.out;
}

// The same samples, so the same figures.
TEST_F(PredictTest, HeldOutIsWhatTheRunWasJudgedBy) {
  directory_.write("data.csv", class_table(120, 4, 3));
  train("run", config("train = \"data.csv\"\nholdout = 0.25", linear(3), "cross_entropy"));
  const std::string judged = metric_lines(directory_ / "run", "eval").back();
  const auto rows = table("run/checkpoints/latest.h5", {"--held-out"});
  ASSERT_EQ(rows.size(), 31U);
  const auto all = table("run/checkpoints/latest.h5", {"--data", "data.csv"});
  int right = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto sample = static_cast<std::size_t>(std::stoi(rows[i]));
    EXPECT_EQ(rows[i], all[sample + 1]);
    const std::string cells = rows[i].substr(rows[i].find(',') + 1);
    right += cells[0] == cells[2] ? 1 : 0;
  }
  const std::string accuracy = fmt::format("\"acc\":{}", right / 30.0);
  EXPECT_NE(judged.find(accuracy), std::string::npos) << judged << accuracy;
  const Outcome eval = trainer({"eval", "run/checkpoints/latest.h5", "--held-out", "--json"}, 2);
  EXPECT_NE(eval.out.find("\"samples\":30"), std::string::npos) << eval.out;
  EXPECT_NE(eval.out.find(accuracy), std::string::npos) << eval.out;
}

TEST_F(PredictTest, StandardOutputHasTheTableAlone) {
  directory_.write("data.csv", class_table(120, 4, 3));
  train("run", config("train = \"data.csv\"", linear(3), "cross_entropy"),
        {"--set", "optimizer.ema=0.5"});
  const Outcome outcome = trainer({"predict", "run", "--data", "data.csv", "--out", "-"}, 2);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(lines_of(outcome.out).size(), 121U) << outcome.out;
  EXPECT_NE(outcome.err.find("checkpoint run/checkpoints/best.h5"), std::string::npos)
      << outcome.err;
  EXPECT_NE(outcome.err.find("average of the weights"), std::string::npos) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(directory_ / "-"));
}

TEST_F(PredictTest, MistakesFirst) {
  directory_.write("data.csv", class_table(120, 4, 3));
  train("run", config("train = \"data.csv\"", linear(3), "cross_entropy"));
  const auto plain = table("run", {"--data", "data.csv"});
  const auto sorted = table("run", {"--data", "data.csv", "--sort", "mistakes"});
  ASSERT_EQ(sorted.size(), plain.size());
  EXPECT_EQ(sorted[0], plain[0]);
  EXPECT_TRUE(std::ranges::is_permutation(sorted, plain));
  bool was_right = false;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const std::string cells = sorted[i].substr(sorted[i].find(',') + 1);
    const bool right = cells[0] == cells[2];
    EXPECT_TRUE(right || !was_right) << sorted[i];
    was_right = right;
  }
  EXPECT_TRUE(was_right);
}

TEST_F(PredictTest, ConfusionOfYesOrNoQuestions) {
  write_hdf5_rows(directory_ / "yes.h5", "x", true, {64, 3}, ramp(192));
  std::vector<std::uint8_t> answers;
  for (int i = 0; i < 128; ++i) answers.push_back(static_cast<std::uint8_t>(i % 3 == 0));
  write_hdf5_rows(directory_ / "yes.h5", "y", false, {64, 2}, answers);
  train("yes", config("train = \"yes.h5\"", linear(2), "binary_cross_entropy"));
  const auto matrices = [&](int ranks) {
    const Outcome text = trainer({"eval", "yes", "--data", "yes.h5", "--confusion"}, ranks);
    EXPECT_EQ(text.code, 0) << text.err;
    return text.out.substr(std::min(text.out.find('\n'), text.out.size()));
  };
  const std::string text = matrices(2);
  EXPECT_NE(text.find("\noutput 1\n"), std::string::npos) << text;
  EXPECT_EQ(count(text, "1 yes"), 4) << text;
  EXPECT_EQ(text, matrices(0));
  const Outcome json = trainer({"eval", "yes", "--data", "yes.h5", "--confusion", "--json"});
  EXPECT_EQ(count(json.out, "\"confusion\":[["), 2) << json.out;
}

// A stranger's checkpoint may name any file.
TEST_F(PredictTest, WhatOnlyTheCheckpointNamesIsNotQuoted) {
  directory_.write("data.csv", class_table(120, 4, 3));
  directory_.write("val.csv", class_table(30, 4, 3));
  directory_.write("labels.csv", "");
  train("split", config("train = \"data.csv\"\nval = \"val.csv\"", linear(3), "cross_entropy"));
  train("held", config("train = \"data.csv\"", linear(3), "cross_entropy"));
  for (const char* file : {"data.csv", "val.csv"}) {
    directory_.write(file, "1,2,3,4,0\n1,2,secret,4,0\n");
  }
  for (const char* run : {"split", "held"}) {
    const Outcome eval = trainer({"eval", run});
    EXPECT_EQ(eval.code, 65);
    EXPECT_EQ(eval.err.find("secret"), std::string::npos) << eval.err;
    EXPECT_NE(eval.err.find(std::string(run) == "held" ? "data.csv" : "val.csv"), std::string::npos)
        << eval.err;
    EXPECT_NE(eval.err.find("does not fit"), std::string::npos) << eval.err;
  }
  // What the user names is explained.
  const Outcome named = trainer({"eval", "held", "--data", "val.csv"});
  EXPECT_NE(named.err.find("secret"), std::string::npos) << named.err;
}

TEST_F(PredictTest, EveryCommandTakesTheDirectoryOfARun) {
  directory_.write("data.csv", class_table(120, 4, 3));
  train("run", config("train = \"data.csv\"", linear(3), "cross_entropy"));
  const std::vector<Arguments> lines = {
      {"eval", "run"},
      {"inspect", "run"},
      {"export", "run", "--out", "weights.safetensors", "--force"},
      {"predict", "run/", "--held-out", "--out", "a.csv", "--force"},
      {"predict", "run", "--stream"}};
  for (const Arguments& line : lines) {
    const Outcome outcome = trainer(line);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(count(outcome.err, "checkpoint run/checkpoints/best.h5\n"), 1) << outcome.err;
    EXPECT_EQ(count(outcome.err, "passed over"), 0) << outcome.err;
  }
  // One that is damaged is passed over, and said.
  std::filesystem::remove(directory_ / "run/checkpoints/best.h5");
  directory_.write("run/checkpoints/best.h5", "damaged");
  for (const Arguments& line : lines) {
    const Outcome outcome = trainer(line);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(count(outcome.err, "checkpoint run/checkpoints/step-"), 1) << outcome.err;
    EXPECT_EQ(count(outcome.err, "note   passed over run/checkpoints/best.h5: too short"), 1)
        << outcome.err;
  }
}

}  // namespace
}  // namespace lockstep::system_test
