// `trainer data`: tells what a folder of pictures holds and makes one file of it that trains just
// as the folder does; the names of its classes go along to `eval` and `predict`.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

constexpr int kSide = 4;
constexpr int kPerClass = 12;
const std::vector<std::string> kNames = {"bright", "dark, or \"black\""};

constexpr std::string_view kDataConfig = R"(
[run]
name = "shades"
epochs = 30
[data]
train = "shades"
batch = 8
normalize = "standard"
holdout = 0.25
[[layer]]
type = "flatten"
[[layer]]
type = "linear"
out = 2
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.1
)";

class DataTest : public testing::Test {
 protected:
  DataTest() {
    Numbers numbers(5);
    for (const std::string& name : kNames) {
      std::filesystem::create_directories(directory_.path() / "shades" / name);
      for (int i = 0; i < kPerClass; ++i) {
        std::string picture = fmt::format("P5 {} {} 255\n", kSide, kSide);
        for (int pixel = 0; pixel < kSide * kSide; ++pixel) {
          picture += static_cast<char>(numbers.below(100) + (name == kNames[0] ? 150 : 0));
        }
        directory_.write(fmt::format("shades/{}/{:02}.pgm", name, i), picture);
      }
    }
    directory_.write("config.toml", kDataConfig);
  }

  [[nodiscard]] Outcome trainer(const Arguments& arguments, int ranks = 0) const {
    return run(command_in(directory_, ranks, arguments));
  }

  TemporaryDirectory directory_;
};

TEST_F(DataTest, TellsWhatAFolderHolds) {
  const Outcome outcome = trainer({"data", "info", "shades"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("samples  24 of 4x4x1\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("2 classes:  bright 12  dark, or \"black\" 12\n"), std::string::npos)
      << outcome.out;
}

TEST_F(DataTest, OneFileTrainsAsTheFolderDoes) {
  ASSERT_EQ(trainer({"data", "convert", "shades", "--out", "shades.h5"}).code, 0);
  const Outcome folder = trainer({"train", "config.toml", "--run-dir", "folder"}, 2);
  const Outcome file =
      trainer({"train", "config.toml", "--run-dir", "file", "--set", "data.train=shades.h5"}, 3);
  ASSERT_EQ(folder.code, 0) << folder.err;
  ASSERT_EQ(file.code, 0) << file.err;
  const auto digest = [](const Outcome& outcome) {
    const std::size_t at = outcome.out.find("\ndigest ");
    return at == std::string::npos ? std::string() : outcome.out.substr(at, 50);
  };
  EXPECT_NE(digest(folder), "");
  EXPECT_EQ(digest(folder), digest(file));
}

TEST_F(DataTest, NamesOfClassesGoAlong) {
  ASSERT_EQ(trainer({"train", "config.toml", "--run-dir", "run"}).code, 0);
  const Outcome eval = trainer({"eval", "run/checkpoints/latest.h5", "--confusion"});
  EXPECT_EQ(eval.code, 0) << eval.err;
  EXPECT_EQ(count(eval.out, "0 bright"), 2) << eval.out;  // in the matrix and in the figures
  EXPECT_EQ(count(eval.out, "1 dark, or \"black\""), 2) << eval.out;
  const Outcome json = trainer({"eval", "run/checkpoints/latest.h5", "--json"});
  EXPECT_NE(json.out.find(R"("class_names":["bright","dark, or \"black\""])"), std::string::npos)
      << json.out;
  const Outcome predict = trainer(
      {"predict", "run/checkpoints/latest.h5", "--data", "shades", "--out", "predictions.csv"});
  EXPECT_EQ(predict.code, 0) << predict.err;
  const std::string table = read_text(directory_ / "predictions.csv");
  EXPECT_TRUE(
      table.starts_with("sample,file,truth,prediction,p_bright,\"p_dark, or \"\"black\"\"\"\n"
                        "0,bright/00.pgm,bright,bright,"))
      << table;
  EXPECT_EQ(count(table, ",bright,bright,"), kPerClass) << table;
  EXPECT_EQ(count(table, "/00.pgm\",\"dark, or \"\"black\"\"\",\"dark, or \"\"black\"\"\","), 1)
      << table;
}

TEST_F(DataTest, WhatWasLeftOutIsSaidOnce) {
  directory_.write("shades/read me.txt", "x");
  const std::string note = "shades: left out a file that is no pnm: 1 .txt\n";
  const Outcome info = trainer({"data", "info", "shades"});
  EXPECT_EQ(count(info.out, "\nnote     " + note), 1) << info.out;
  const Outcome train = trainer({"train", "config.toml", "--run-dir", "run"}, 2);
  ASSERT_EQ(train.code, 0) << train.err;
  EXPECT_EQ(count(train.out, "\nnote   " + note), 1) << train.out;
  const Outcome eval = trainer({"eval", "run/checkpoints/latest.h5", "--data", "shades"}, 2);
  EXPECT_EQ(eval.code, 0);
  EXPECT_EQ(count(eval.out + eval.err, "note   " + note), 1) << eval.out << eval.err;
}

TEST_F(DataTest, AFileThatCrashesLibhdf5EndsInAMessage) {
  ASSERT_EQ(trainer({"data", "convert", "shades", "--out", "shades.h5"}).code, 0);
  for (const Arguments& line : {Arguments{"data", "info", "shades.h5"},
                                Arguments{"data", "convert", "shades.h5", "--out", "never.h5"}}) {
    Command command = command_in(directory_, 0, line);
    command.environment.push_back(preloading(directory_, LOCKSTEP_FAULTY_HDF5));
    command.environment.push_back("FAULTY_HDF5=crash");
    const Outcome outcome = run(command);
    EXPECT_EQ(outcome.code, 65) << outcome.err;
    EXPECT_NE(outcome.err.find("shades.h5: the process that read it crashed (signal 6"),
              std::string::npos)
        << outcome.err;
    EXPECT_EQ(count(outcome.err, "\n"), 1) << outcome.err;
  }
  EXPECT_FALSE(std::filesystem::exists(directory_ / "never.h5"));
}

TEST_F(DataTest, OfInputsThatStayInTheirFileItTellsTheSame) {
  ASSERT_EQ(trainer({"data", "convert", "shades", "--out", "shades.h5"}).code, 0);
  const Outcome whole = trainer({"data", "info", "shades.h5"});
  const Outcome part = trainer({"data", "info", "shades.h5", "--set", "data.memory=100 B"});
  EXPECT_EQ(part.code, 0) << part.err;
  EXPECT_EQ(part.out, whole.out);
  std::filesystem::resize_file(directory_ / "shades.h5", std::uintmax_t{1} << 41);
  const Outcome large = trainer({"data", "info", "shades.h5"});
  EXPECT_EQ(large.code, 65);
  EXPECT_NE(large.err.find("set data.memory"), std::string::npos) << large.err;
  EXPECT_EQ(trainer({"data", "info", "shades.h5", "--set", "data.memory=100 B"}).out, whole.out);
}

TEST_F(DataTest, ConvertReplacesFilesOnlyAndOnlyIfAsked) {
  directory_.write("there.h5", "mine");
  ASSERT_EQ(::mkfifo((directory_ / "pipe.h5").c_str(), 0600), 0);
  const Outcome there = trainer({"data", "convert", "shades", "--out", "there.h5"});
  EXPECT_EQ(there.code, 73);
  EXPECT_NE(there.err.find("to replace it add: --force"), std::string::npos) << there.err;
  EXPECT_EQ(read_text(directory_ / "there.h5"), "mine");
  const Outcome pipe = trainer({"data", "convert", "shades", "--out", "pipe.h5", "--force"});
  EXPECT_EQ(pipe.code, 73);
  EXPECT_NE(pipe.err.find("is no regular file"), std::string::npos) << pipe.err;
  EXPECT_TRUE(std::filesystem::is_fifo(directory_ / "pipe.h5"));
  EXPECT_EQ(trainer({"data", "convert", "shades", "--out", "there.h5", "--force"}).code, 0);
  EXPECT_EQ(trainer({"data", "info", "there.h5"}).code, 0);
}

}  // namespace
}  // namespace lockstep::system_test
