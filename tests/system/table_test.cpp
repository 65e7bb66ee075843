// Tables as people have them: columns in another order, words as labels, time stamps.
#include <gtest/gtest.h>

#include "system/trainer.hpp"

namespace lockstep::system_test {
namespace {

constexpr std::string_view kTableConfig = R"(
[run]
name = "table"
epochs = 20
seed = 1
[data]
train = "train.csv"
batch = 16
normalize = "standard"
[[layer]]
type = "linear"
out = 8
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = 2
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.1
)";

class TableTest : public testing::Test {
 protected:
  [[nodiscard]] Outcome trainer(const Arguments& arguments, int ranks = 0) const {
    return run(command_in(directory_, ranks, arguments));
  }

  [[nodiscard]] Outcome train(const std::string& run, int ranks = 0,
                              const Arguments& more = {}) const {
    directory_.write("config.toml", kTableConfig);
    Arguments line = {"train", "config.toml", "--run-dir", run};
    line.insert(line.end(), more.begin(), more.end());
    return trainer(line, ranks);
  }

  [[nodiscard]] Outcome eval(const std::string& data, const Arguments& more = {}) const {
    Arguments line = {"eval", "run/checkpoints/best.h5", "--data", data};
    line.insert(line.end(), more.begin(), more.end());
    return trainer(line);
  }

  /// The part of the output from `word` on, one word longer.
  static std::string after(const std::string& text, const std::string& word) {
    const std::size_t at = text.find(word);
    if (at == std::string::npos) return "none in " + text;
    return text.substr(at, text.find_first_of(" \n", at + word.size()) - at);
  }

  TemporaryDirectory directory_;
};

TEST_F(TableTest, ColumnsAreKnownByName) {
  Numbers numbers(3);
  std::string train_rows = "a,b,y\n", test = "a,b,y\n", other = "id,y,b,word,a\n", inputs = "b,a\n";
  for (int i = 0; i < 200; ++i) {
    const double a = numbers.next(), b = 100 * numbers.next();
    train_rows += fmt::format("{},{},{}\n", a, b, a > 0.5 ? 1 : 0);
    if (i >= 50) continue;
    test += fmt::format("{},{},{}\n", a, b, a > 0.5 ? 1 : 0);
    other += fmt::format("{},{},{},\"x, y\",{}\n", i, a > 0.5 ? 1 : 0, b, a);
    inputs += fmt::format("{},{}\n", b, a);
  }
  directory_.write("train.csv", train_rows);
  directory_.write("test.csv", test);
  directory_.write("other.csv", other);
  directory_.write("inputs.csv", inputs);
  directory_.write("less.csv", "b,y\n1,0\n");
  ASSERT_EQ(train("run", 2, {"--set", "data.val=other.csv"}).code, 0);

  const Outcome as_trained = eval("test.csv"), otherwise = eval("other.csv");
  EXPECT_EQ(after(as_trained.out, "loss "), after(otherwise.out, "loss ")) << otherwise.err;
  EXPECT_NE(otherwise.err.find("columns \"id\", \"word\" are left out"), std::string::npos)
      << otherwise.err;
  const Outcome own = trainer({"eval", "run/checkpoints/best.h5"});
  EXPECT_EQ(after(own.out, "loss "), after(as_trained.out, "loss ")) << own.err;
  std::vector<std::string> tables;
  for (const std::string name : {"test.csv", "other.csv", "inputs.csv"}) {
    const Outcome outcome =
        trainer({"predict", "run/checkpoints/best.h5", "--data", name, "--out", "p-" + name});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    tables.push_back(read_text(directory_ / ("p-" + name)));
  }
  EXPECT_EQ(count(tables[0], "\n"), 51);
  const auto shares = [](const std::string& table) {  // what all have: the last two columns
    std::string all;
    for (std::size_t at = 0, end = 0; (end = table.find('\n', at)) != std::string::npos;
         at = end + 1) {
      const std::string line = table.substr(at, end - at);
      all += line.substr(line.rfind(',', line.rfind(',') - 1)) + "\n";
    }
    return all;
  };
  EXPECT_EQ(shares(tables[0]), shares(tables[1]));
  EXPECT_EQ(shares(tables[0]), shares(tables[2]));

  const Outcome less = eval("less.csv");
  EXPECT_EQ(less.code, 65);
  EXPECT_NE(less.err.find("less.csv: expected a column \"a\""), std::string::npos) << less.err;
  const Outcome inspected = trainer({"inspect", "run/checkpoints/best.h5"});
  EXPECT_NE(inspected.out.find("columns    2: a, b; target y"), std::string::npos) << inspected.out;
}

TEST_F(TableTest, WordsAsLabelsGoAlong) {
  Numbers numbers(4);
  std::string rows;
  for (int i = 0; i < 90; ++i) {
    const int kind = i % 3;
    rows += fmt::format("{},{},{}\n", kind + numbers.next() / 2, numbers.next(),
                        std::vector{"virginica", "setosa", "versicolor"}[std::size_t(kind)]);
  }
  directory_.write("train.csv", rows);
  directory_.write("unknown.csv", "1,2,setosa\n1,2,rosa\n");
  const Outcome info = trainer({"data", "info", "train.csv"});
  EXPECT_NE(info.out.find("3 classes:  setosa 30  versicolor 30  virginica 30"), std::string::npos)
      << info.out;
  const Outcome few = train("few", 2);
  EXPECT_EQ(few.code, 65);
  EXPECT_NE(few.err.find("there are 3 classes: setosa, versicolor, virginica"), std::string::npos)
      << few.err;
  ASSERT_EQ(train("run", 2, {"--set", "layer.linear_2.out=3"}).code, 0);

  const Outcome judged = eval("train.csv", {"--confusion"});
  EXPECT_EQ(count(judged.out, "0 setosa"), 2) << judged.out << judged.err;
  const Outcome unknown = eval("unknown.csv");
  EXPECT_EQ(unknown.code, 65);
  EXPECT_NE(unknown.err.find("unknown.csv:2: column 3: expected a class of the training data, "
                             "setosa, versicolor, virginica; found \"rosa\""),
            std::string::npos)
      << unknown.err;
  EXPECT_EQ(
      trainer({"predict", "run/checkpoints/best.h5", "--data", "unknown.csv", "--out", "p.csv"})
          .code,
      0);
  EXPECT_GE(count(read_text(directory_ / "p.csv"), "setosa"), 1);
  const Outcome inspected = trainer({"inspect", "run/checkpoints/best.h5"});
  EXPECT_NE(inspected.out.find("classes    3: setosa, versicolor, virginica"), std::string::npos)
      << inspected.out;
}

TEST_F(TableTest, TimeStampsAreLearnedFrom) {
  std::string rows = "seconds,late\n";
  for (int i = 0; i < 300; ++i) {
    const int second = i * 37 % 60;
    rows += fmt::format("{},{}\n", 1700000000LL + second, second >= 30 ? 1 : 0);
  }
  directory_.write("train.csv", rows);
  const Outcome alone = train("run");
  EXPECT_EQ(alone.code, 0) << alone.err;
  EXPECT_EQ(after(train("three", 3).out, "\ndigest "), after(alone.out, "\ndigest "));
  const Outcome judged = eval("train.csv");
  const std::string share = after(judged.out, "acc ");
  EXPECT_GT(std::stod("0" + share.substr(std::min<std::size_t>(4, share.size()))), 90)
      << judged.out;

  ASSERT_EQ(trainer({"data", "convert", "train.csv", "--out", "train.h5"}).code, 0);
  const Arguments in_order = {"--set", "data.train=train.h5", "--set", "data.val=train.h5",
                              "--set", "data.shuffle=false",  "--set", "data.batch=8"};
  Arguments streamed = in_order;
  streamed.insert(streamed.end(), {"--set", "data.memory=1000 B"});
  const Outcome loaded = train("loaded", 1, in_order);
  EXPECT_EQ(after(train("streamed", 2, streamed).out, "\ndigest "), after(loaded.out, "\ndigest "))
      << loaded.err;

  const Outcome blind = train("blind", 0, {"--set", "data.normalize=none"});
  EXPECT_EQ(blind.code, 65);  // there is no other column
  EXPECT_NE(
      blind.err.find("digits are lost in column 0 (\"seconds\"): 60 different values become 1"),
      std::string::npos)
      << blind.out << blind.err;
}

}  // namespace
}  // namespace lockstep::system_test
