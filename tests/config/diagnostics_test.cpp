#include <gtest/gtest.h>

#include "config/small_catalogue.hpp"

namespace lockstep::config {
namespace {

std::string closing(int errors, const std::string& explain) {
  return "trainer: " + std::to_string(errors) + (errors == 1 ? " error" : " errors") +
         ", nothing started" +
         (explain.empty() ? "" : " (see: trainer config explain " + explain + ")");
}

TEST(Diagnostics, AllAtOnceInTheOrderOfTheFile) {
  const std::string text = R"([run]
epochs = 2
[data]
train = "a.csv"
batch = 64
[[layer]]
type = "linear"
out  = 0
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
learing_rate = 0.1
)";
  EXPECT_EQ(refusal(text),
            "mlp.toml:8:8: error: 'out' must be at least 1, is 0\n"
            "    8 | out  = 0\n"
            "      |        ^\n"
            "mlp.toml:11:1: error: [optimizer] needs 'lr': Learning rate; not rescaled unless "
            "scale_lr is set.\n"
            "   11 | [optimizer]\n"
            "      | ^~~~~~~~~~~\n"
            "mlp.toml:13:1: error: unknown key 'learing_rate' in [optimizer]\n"
            "   13 | learing_rate = 0.1\n"
            "      | ^~~~~~~~~~~~ did you mean 'lr'?\n" +
                closing(3, "layer"));
}

TEST(Diagnostics, NoFileLineForWhatIsMissing) {
  EXPECT_EQ(refusal("[run]\nsteps=1\n[data]\ntrain='a'\nbatch=1\n"),
            "mlp.toml: error: [loss] needs 'type': one of cross_entropy\n"
            "mlp.toml: error: [optimizer] needs 'type': one of sgd\n"
            "mlp.toml: error: no [[layer]]: a network needs at least one\n" +
                closing(3, "loss"));
}

TEST(Diagnostics, CaretStandsUnderTheSpotBehindTabsAndUmlauts) {
  EXPECT_EQ(refusal(minimal("\tmomentum\t=\t\"\xC3\xA4\"\r\n")),
            "mlp.toml:14:13: error: 'momentum': expected real, found string \"\xC3\xA4\"\n"
            "   14 |  momentum = \"\xC3\xA4\"\n"
            "      |             ^~~\n" +
                closing(1, "optimizer"));
}

TEST(Diagnostics, LongLinesAreCutAroundTheSpot) {
  const std::string far(5000, ' ');
  EXPECT_EQ(refusal(minimal("momentum =" + far + "true" + far)),
            "mlp.toml:14:5011: error: 'momentum': expected real, found boolean true\n"
            "   14 | ..." +
                std::string(40, ' ') + "true" + std::string(56, ' ') + "...\n" + "      | " +
                std::string(43, ' ') + "^~~~\n" + closing(1, "optimizer"));
}

TEST(Diagnostics, Overrides) {
  EXPECT_EQ(
      refusal(minimal(), {{"optimizer.lr=abc"},
                          {"run.seed=-1", "--seed"},
                          {"optimiser.lr=1"},
                          {"optimizer.momentun=0.9"},
                          {"layer.lineal.out=1"},
                          {"layer[1].out=1"},
                          {"data.x.y=1"},
                          {"lr=1"},
                          {"run.seed"}}),
      "--set 'optimiser.lr=1': error: unknown section [optimiser]; did you mean 'optimizer'?\n"
      "--set 'layer.lineal.out=1': error: no layer is called 'lineal'; did you mean 'linear'?\n"
      "--set 'layer[1].out=1': error: no layer is selected by 'layer[1]'; write "
      "layer.NAME.KEY, or layer[N].KEY with N below 1\n"
      "--set 'data.x.y=1': error: [data] has no '.x'; write data.KEY=VALUE\n"
      "--set 'lr=1': error: expected SECTION.KEY=VALUE; such as run.seed=7 or "
      "layer.fc1.out=64\n"
      "--set 'run.seed': error: expected SECTION.KEY=VALUE; such as run.seed=7 or "
      "layer.fc1.out=64\n"
      "--seed 'run.seed=-1': error: 'seed' must be at least 0, is -1\n"
      "--set 'optimizer.lr=abc': error: 'lr': expected real, found string \"abc\"\n"
      "--set 'optimizer.momentun=0.9': error: unknown key 'momentun' in [optimizer]; did you "
      "mean 'momentum'?\n" +
          closing(9, ""));
}

struct Case {
  const char* more;      ///< lines behind the minimal configuration, from line 14
  const char* expected;  ///< part of the message
};

class OneProblem : public testing::TestWithParam<Case> {};

TEST_P(OneProblem, IsNamed) {
  const std::string message = refusal(minimal(GetParam().more));
  EXPECT_NE(message.find(GetParam().expected), std::string::npos) << message;
  EXPECT_NE(message.find("trainer: 1 error, nothing started"), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    Table, OneProblem,
    testing::Values(
        Case{"lr = 0.2\n", "mlp.toml:14:6: error: not valid TOML: cannot redefine existing"},
        Case{"x = \n", "mlp.toml:14:5: error: not valid TOML: expected value"},
        Case{"momentum = 99999999999999999999\n", "is not representable in 64 bits"},
        Case{"momentum = nan\n", "'momentum' must be finite and fit a 32-bit float, is nan"},
        Case{"momentum = -inf\n", "'momentum' must be finite and fit a 32-bit float, is -inf"},
        Case{"weight_decay = 1e39\n", "must be finite and fit a 32-bit float, is 1e+39"},
        Case{"momentum = 1\n", "'momentum' must be at least 0 and below 1, is 1.0"},
        Case{"momentum = [1]\n", "'momentum': expected real, found list"},
        Case{"momentum = {a=1}\n", "'momentum': expected real, found table"},
        Case{"momentum = 2024-01-01\n", "'momentum': expected real, found date or time"},
        Case{"betas = []\n", "'betas' must not be empty"},
        Case{"betas = ['a']\n", "'betas': expected list of numbers, such as [0.5, 0.25], found"},
        Case{"batch = 3\n",
             "unknown key 'batch' in [optimizer]\n"
             "   14 | batch = 3\n      | ^~~~~ 'batch' belongs to [data]"},
        Case{"zzzz = 3\n",
             "^~~~ known: type, lr, weight_decay, decay, clip_norm, ema, scale_lr, base_batch, "
             "momentum, betas"},
        Case{"[optimizr]\n",
             "14:2: error: unknown section [optimizr]\n   14 | [optimizr]\n"
             "      |  ^~~~~~~~ did you mean 'optimizer'?"},
        Case{"[[log]]\n", "'log' is a section, written once as [log]"},
        Case{"[log]\nevery = 5\n",
             "'every': expected interval such as \"250 steps\", \"5 epochs\" "
             "or \"10 minutes\", found integer 5"},
        Case{"[log]\nevery = '0 steps'\n", "'every' must be above 0, is 0 steps"},
        Case{"[eval]\nevery = '1 h'\n", "'every' must be in steps or epochs, is \"1 hour\""},
        Case{"[schedule]\ntype = 'cosin'\n",
             "15:8: error: 'type' must be one of constant, cosine, is \"cosin\"\n"
             "   15 | type = 'cosin'\n      |        ^~~~~~~ did you mean 'cosine'?"},
        Case{"[checkpoint]\nkeep = 2.5\n", "'keep': expected integer, found real 2.5"},
        Case{"[parallel]\nbucket = '1 Mb'\n", "'bucket': expected size such as \"1 MiB\""},
        Case{"[parallel]\nbucket = 1\n", "'bucket' must be at least 64, is 1"},
        Case{"[parallel]\noverlap = 1\n", "'overlap': expected boolean, found integer 1"},
        Case{"[parallel]\nmicrobatches = 65\n",
             "'microbatches' must be at most data.batch, 64, is 65"},
        Case{"[[layer]]\ntype='relu'\nname='1a'\n", "layer name \"1a\" must be letters"},
        Case{"[[layer]]\ntype='relu'\nname=1\n", "'name': expected string, found integer 1"},
        Case{"[[layer]]\nout=1\n", "14:1: error: [[layer]] needs 'type': one of linear, relu"}));

struct OptionCase {
  std::vector<Override> overrides;
  const char* expected;
};

TEST(Diagnostics, KeysThatContradictEachOther) {
  const std::vector<OptionCase> cases{
      {{{"run.steps=5"}}, "give either 'epochs' or 'steps', not both"},
      {{{"run.name=a/b"}}, "'name' becomes a directory"},
      {{{"run.name=.."}}, "'name' becomes a directory"},
      {{{"data.mean=[1]"}}, "'mean' and 'std' must be given together"},
      {{{"data.std=[1]"}}, "'mean' and 'std' must be given together"},
      {{{"data.std=[1]"}, {"data.mean=[1,2]"}}, "'std' must be as long as 'mean', 2, is 1 long"},
      {{{"data.std=[0]"}, {"data.mean=[1]"}}, "'std' must be above 0, is 0.0"},
      {{{"data.std=[1]"}, {"data.mean=[1]"}, {"data.normalize=standard"}}, "'mean' excludes"},
      {{{"data.target=1.5"}}, "'target': expected number or string, found real 1.5"},
      {{{"data.train=\"a\\u0000b\""}}, "'train' must not have control characters"},
      {{{"data.train="}}, "'train' must not be empty"}};
  for (const OptionCase& one : cases) {
    const std::string message = refusal(minimal(), one.overrides);
    EXPECT_NE(message.find(one.expected), std::string::npos) << message;
    EXPECT_NE(message.find("1 error, nothing"), std::string::npos) << message;
  }
  EXPECT_NE(refusal("[run]\n" + minimal().substr(17)).find("1:1: error: [run] needs 'epochs' or"),
            std::string::npos);
}

TEST(Diagnostics, SameLayerNameTwice) {
  EXPECT_EQ(refusal(minimal("[[layer]]\ntype='relu'\nname='a'\n[[layer]]\ntype='relu'\nname='a'")),
            "mlp.toml:19:6: error: a layer is already called 'a'\n"
            "   19 | name='a'\n"
            "      |      ^~~ in mlp.toml:16\n" +
                closing(1, "layer"));
}

TEST(Diagnostics, ManyProblemsAreCut) {
  std::string more;
  for (int i = 0; i < 1000; ++i) more.append("x").append(std::to_string(i)).append(" = 1\n");
  const std::string message = refusal(minimal(more));
  EXPECT_NE(message.find("... and 980 more\ntrainer: 1000 errors"), std::string::npos) << message;
}

TEST(Diagnostics, NothingOfTheInputReachesTheTerminalRaw) {
  const std::string message = refusal(minimal("\"a\\u001b[31m\" = 1\nmomentum = \"\\u001b\"\n"),
                                      {{"run.name=\x1b[0m"}, {"a\x1b.b=1"}});
  EXPECT_NE(message.find("4 errors"), std::string::npos) << message;
  for (const char c : message) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

TEST(Diagnostics, HostileFilesAreRefused) {
  std::string dotted;
  for (int i = 0; i < 500000; ++i) dotted += "a.";
  EXPECT_NE(refusal(dotted + "a=1").find("nested too deeply"), std::string::npos);
  std::string zigzag = "a=";
  for (int i = 0; i < 32; ++i) {
    for (int dot = 0; dot < 128; ++dot) zigzag += dot == 0 ? "[\n{a." : "a.";
    zigzag += "a=";
  }
  EXPECT_NE(refusal(zigzag + "1").find("not valid TOML"), std::string::npos);
  for (int i = 0; i < 32; ++i) zigzag += i == 0 ? "1}]" : "}]";
  EXPECT_NE(refusal(zigzag).find("unknown section [a]"), std::string::npos);
  EXPECT_NE(refusal("a=" + std::string(500000, '[')).find("nested too deeply"), std::string::npos);
  EXPECT_NE(refusal(minimal(), {{"run.seed=" + std::string(100000, '[')}}).find("expected integer"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(kMaxConfigBytes + 1, ' ')).find("larger than 1048576 bytes"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(1000, '\0')).find("not valid TOML"), std::string::npos);
}

TEST(Diagnostics, OneLineWithManyLayersIsReadInLinearTime) {
  std::string text = "layer=[";
  for (int i = 0; i < 40000; ++i) text += "{type='relu',x=1},";
  const std::string message = refusal(text + "]\n");
  EXPECT_NE(message.find("unknown key 'x' in [[layer]]"), std::string::npos);
}

}  // namespace
}  // namespace lockstep::config
