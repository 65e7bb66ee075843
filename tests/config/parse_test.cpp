#include "lockstep/config/parse.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "config/small_catalogue.hpp"

namespace lockstep::config {
namespace {

std::vector<std::string> layer_names(const Config& config) {
  std::vector<std::string> names;
  for (const Settings& layer : config.layers) names.push_back(layer.name());
  return names;
}

TEST(Parse, FillsInDefaults) {
  const Config config = parse_text(minimal(), {}, "configs/my net.toml");
  EXPECT_EQ(config.run.name, "my_net");
  EXPECT_EQ(config.run.seed, 0);
  EXPECT_EQ(config.run.epochs, 2);
  EXPECT_EQ(config.run.steps, std::nullopt);
  EXPECT_EQ(config.data.batch, 64);
  EXPECT_EQ(config.data.val, std::nullopt);
  EXPECT_EQ(config.data.holdout, 0.1);
  EXPECT_EQ(config.data.target, Column(Index{-1}));
  EXPECT_EQ(config.parallel.bucket, 1 << 20);
  EXPECT_EQ(config.checkpoint.every, (Interval{600, Interval::Unit::seconds}));
  EXPECT_EQ(config.eval.every, (Interval{1, Interval::Unit::epochs}));
  EXPECT_EQ(config.loss.type(), "cross_entropy");
  EXPECT_EQ(config.optimizer.real("lr"), 0.1);
  EXPECT_EQ(config.optimizer.real("momentum"), 0);
  EXPECT_FALSE(config.optimizer.has("betas"));
  EXPECT_EQ(config.schedule.type(), "constant");
  EXPECT_EQ(config.schedule.interval("warmup"), (Interval{0, Interval::Unit::steps}));
  ASSERT_EQ(config.layers.size(), 1U);
  EXPECT_EQ(config.layers[0].type(), "linear");
  EXPECT_EQ(config.layers[0].integer("out"), 10);
  EXPECT_TRUE(config.layers[0].boolean("bias"));
}

TEST(Parse, NumbersLayersWithoutName) {
  const Config config =
      parse_text(minimal("[[layer]]\ntype='relu'\n"
                         "[[layer]]\ntype='linear'\nout=1\n"
                         "[[layer]]\ntype='linear'\nout=1\nname='linear_3'\n"
                         "[[layer]]\ntype='linear'\nout=1\n"));
  EXPECT_EQ(layer_names(config),
            (std::vector<std::string>{"linear", "relu", "linear_2", "linear_3", "linear_4"}));
}

TEST(Parse, OverridesWinInTheirOrder) {
  const Config config = parse_text(minimal(), {{"run.seed=1"},
                                               {"run.seed=7", "--seed"},
                                               {"optimizer.lr=1"},
                                               {"data.train=sets/b#1.csv"},
                                               {"run.name=2024"},
                                               {"layer[0].name=fc"},
                                               {"layer.fc.out=3"},
                                               {"schedule.type=cosine"},
                                               {"schedule.final=1e-3"},
                                               {"optimizer.betas=[0.9, 1]"},
                                               {"checkpoint.every=5 epochs"}});
  EXPECT_EQ(config.run.seed, 7);
  EXPECT_EQ(config.run.name, "2024");
  EXPECT_EQ(config.places.at("run.seed").origin_text(), "--seed");
  EXPECT_EQ(config.places.at("run.epochs").origin_text(), "mlp.toml:2");
  EXPECT_EQ(config.places.at("divergence.action").origin_text(), "default");
  EXPECT_EQ(config.optimizer.real("lr"), 1.0);
  EXPECT_EQ(config.data.train, "sets/b#1.csv");
  EXPECT_EQ(config.layers[0].integer("out"), 3);
  EXPECT_EQ(config.schedule.real("final"), 1e-3);
  EXPECT_EQ(config.optimizer.reals("betas"), (std::vector<double>{0.9, 1.0}));
  EXPECT_EQ(config.checkpoint.every, (Interval{5, Interval::Unit::epochs}));
}

TEST(Parse, OverrideCanMendTheFile) {
  EXPECT_EQ(refusal("[run]\nepochs = 0\n" + minimal().substr(17), {{"run.epochs=3"}}), "");
}

TEST(Parse, AKeyIsReadByItsOldNameToo) {
  EXPECT_EQ(parse_text(minimal("[parallel]\nrounds = 4\n")).parallel.accumulation, 4);
  EXPECT_EQ(parse_text(minimal(), {{"parallel.rounds=4"}}).parallel.accumulation, 4);
  const std::string file = minimal("[parallel]\naccumulation = 2\n");
  EXPECT_EQ(parse_text(file, {{"parallel.rounds=4"}}).parallel.accumulation, 4);
  const std::string told = refusal(minimal("[parallel]\nrounds = 4\naccumulation = 4\n"));
  EXPECT_NE(told.find("mlp.toml:15:1: error: 'accumulation' was given twice, by this name and by "
                      "its old one"),
            std::string::npos)
      << told;
  EXPECT_NE(told.find("leave out one of the two"), std::string::npos) << told;
}

TEST(Parse, ReadsMarkAndWindowsLineEnds) {
  std::string text = "\xEF\xBB\xBF";
  for (const char c : minimal()) text += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(parse_text(text).data.train, "a.csv");
}

TEST(Parse, SettingsRefuseWhatTheirTableDoesNotHave) {
  const Config config = parse_text(minimal());
  for (const char* key : {"nonsense", "betas", "type"}) {
    try {
      (void)config.optimizer.real(key);
      ADD_FAILURE() << key;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::internal);
    }
  }
}

TEST(Parse, OthersCanPointAtAKey) {
  const Config config = parse_text(minimal("betas = [0.9]\n"), {{"data.target=y"}});
  EXPECT_STREQ(config.optimizer.error("betas", "'betas' must have 2 numbers").what(),
               "mlp.toml:14:9: error: 'betas' must have 2 numbers\n"
               "   14 | betas = [0.9]\n"
               "      |         ^~~~~\n"
               "trainer: 1 error, nothing started (see: trainer config explain optimizer)");
  EXPECT_STREQ(config.optimizer.error("momentum", "no").what(),
               "mlp.toml:11:1: error: no\n"
               "   11 | [optimizer]\n"
               "      | ^~~~~~~~~~~\n"
               "trainer: 1 error, nothing started (see: trainer config explain optimizer)");
  EXPECT_STREQ(config.error("data.target", "no column 'y'").what(),
               "--set 'data.target=y': error: no column 'y'\n"
               "trainer: 1 error, nothing started (see: trainer config explain data)");
}

TEST(Parse, ReadsFilesUpToTheLimit) {
  const std::string path = testing::TempDir() + "lockstep_config_limit.toml";
  std::ofstream(path) << std::string(kMaxConfigBytes, '#');
  EXPECT_EQ(read_source(path).text.size(), kMaxConfigBytes);
  std::ofstream(path) << std::string(kMaxConfigBytes + 1, '#');
  EXPECT_THROW((void)read_source(path), Error);
  std::remove(path.c_str());
  for (const std::string& missing : {path, testing::TempDir()}) {
    try {
      (void)read_source(missing);
      ADD_FAILURE() << missing;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::no_input);
    }
  }
}

}  // namespace
}  // namespace lockstep::config
