#include "lockstep/setup/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/config/parse.hpp"
#include "lockstep/config/show.hpp"
#include "lockstep/data/formats.hpp"
#include "nn/block_cases.hpp"
#include "setup/catalogue/block.hpp"

namespace lockstep {
namespace {

config::Config parse(const std::string& text) {
  return config::parse({"test.toml", text}, {}, catalogue());
}

std::string with(const std::string& layer, const std::string& loss, const std::string& optimizer,
                 const std::string& schedule) {
  return "[run]\nepochs = 4\n[data]\ntrain = \"x.csv\"\nbatch = 8\n[[layer]]\n" + layer +
         "\n[loss]\n" + loss + "\n[optimizer]\nlr = 0.1\n" + optimizer + "\n[schedule]\n" +
         schedule + "\n";
}

const std::string kLayer = "type = \"linear\"\nout = 3";
const std::string kLoss = "type = \"cross_entropy\"";
const std::string kOptimizer = "type = \"sgd\"";
const std::string kSchedule = "type = \"constant\"";

// "\nkey = 2" for each number that must be given.
std::string required_keys(const config::Component& component) {
  std::string keys;
  for (const config::Key& key : component.keys) {
    if (!key.required) continue;
    keys += "\n" + key.name + (key.kind == config::Kind::real ? " = 0.5" : " = 2");
  }
  return keys;
}

// Something that a layer of this type takes.
Shape input_of(const std::string& type) {
  if (type == "embedding") return {8, 1, 1};
  const bool sequence = type.ends_with("1d") || type == "lstm" || type == "gru";
  return sequence ? Shape{8, 1, 4} : Shape{4, 4, 4};
}

// Configurations may not include data: the names stand in both.
TEST(Catalogue, DataTypesAreAutoAndTheFormats) {
  std::vector<std::string> expected{"auto"};
  for (const Format& format : formats()) expected.emplace_back(format.name);
  const auto section = std::ranges::find(config::sections(), "data", &config::Section::name);
  ASSERT_NE(section, config::sections().end());
  const auto key = std::ranges::find(section->keys, "type", &config::Key::name);
  ASSERT_NE(key, section->keys.end());
  EXPECT_EQ(key->choices, expected);
}

TEST(Catalogue, HasNoFaults) { EXPECT_EQ(config::faults(catalogue()), std::vector<std::string>{}); }

TEST(Catalogue, EveryRowIsBuiltFromItsKeys) {
  for (const config::Component& c : catalogue().layers) {
    SCOPED_TRACE(c.type);
    const bool joins = c.type == "sum" || c.type == "concat";
    const std::string keys =
        (joins ? "type = \"relu\"\nname = \"a\"\n[[layer]]\nfrom = [\"input\", \"a\"]\n" : "") +
        std::string("type = \"") + c.type + "\"" + required_keys(c);
    const Shape input = input_of(c.type);
    const Network network = build_network(parse(with(keys, kLoss, kOptimizer, kSchedule)), input);
    const std::string_view last = network.nodes().back().layer->type();
    EXPECT_TRUE(last == c.type || c.type.ends_with("_block")) << last;
  }
  for (const config::Component& c : catalogue().losses) {
    EXPECT_EQ(
        build_loss(parse(with(kLayer, "type = \"" + c.type + "\"", kOptimizer, kSchedule)))->type(),
        c.type);
  }
  for (const config::Component& c : catalogue().optimizers) {
    EXPECT_EQ(
        build_optimizer(parse(with(kLayer, kLoss, "type = \"" + c.type + "\"", kSchedule)))->type(),
        c.type);
  }
  for (const config::Component& c : catalogue().schedules) {
    const std::string keys = "type = \"" + c.type + "\"" +
                             (c.type == "step"  ? "\nevery = \"1 epoch\""
                              : c.type == "wsd" ? "\ndecay = \"1 epoch\""
                                                : "");
    const LearningRate rate(parse(with(kLayer, kLoss, kOptimizer, keys)), 10, 40);
    EXPECT_DOUBLE_EQ(rate.at(c.type == "one_cycle" ? 12 : 0), 0.1) << c.type;
  }
}

std::vector<std::string> parameter_names(const Network& network) {
  std::vector<std::string> names;
  for (const Parameter& p : network.parameters().parameters()) names.push_back(p.name);
  return names;
}

// The message that refuses the layers; empty if it is accepted.
std::string refusal(const std::string& layers, Shape input) {
  try {
    (void)build_network(parse(with(layers, kLoss, kOptimizer, kSchedule)), input);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    return error.what();
  }
  return "";
}

TEST(Catalogue, NamedInputsMakeAGraph) {
  const Network network = build_network(
      parse(with("type = \"linear\"\nname = \"a\"\nout = 3\n"
                 "[[layer]]\ntype = \"linear\"\nname = \"b\"\nout = 3\nfrom = [\"input\"]\n"
                 "[[layer]]\ntype = \"concat\"\nfrom = [\"b\", \"input\", \"a\"]",
                 kLoss, kOptimizer, kSchedule)),
      {.channels = 4});
  const std::vector<Network::Node>& nodes = network.nodes();
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[1].inputs.front().id, 0);
  ASSERT_EQ(nodes[2].inputs.size(), 3u);
  EXPECT_EQ(nodes[2].inputs[0].id, 2);
  EXPECT_EQ(nodes[2].inputs[1].id, 0);
  EXPECT_EQ(nodes[2].inputs[2].id, 1);
  EXPECT_EQ(network.output_shape().channels, 10);
}

TEST(Catalogue, BlocksAreRepeatedUnderReadableNames) {
  const auto build = [](const std::string& layers, Shape input) {
    return build_network(parse(with(layers, kLoss, kOptimizer, kSchedule)), input);
  };
  const Network one =
      build("type = \"transformer_block\"\nname = \"block\"\nheads = 2\ndropout = 0.1", {5, 1, 6});
  EXPECT_EQ(parameter_names(one),
            (std::vector<std::string>{
                "block.norm1.weight", "block.norm1.bias", "block.self_attn.in_proj_weight",
                "block.self_attn.in_proj_bias", "block.self_attn.out_proj.weight",
                "block.self_attn.out_proj.bias", "block.norm2.weight", "block.norm2.bias",
                "block.linear1.weight", "block.linear1.bias", "block.linear2.weight",
                "block.linear2.bias"}));
  EXPECT_EQ(one.output_shape(), (Shape{5, 1, 6}));
  EXPECT_EQ(one.parameters().parameters()[8].file_shape(), (std::vector<Index>{24, 6}));

  const Network two = build(
      "type = \"residual_block\"\nname = \"stage\"\nout = 8\nstride = 2\nrepeat = 2", {6, 6, 4});
  EXPECT_EQ(two.output_shape(), (Shape{3, 3, 8}));
  const std::vector<std::string> names = parameter_names(two);
  EXPECT_EQ(names.front(), "stage.0.conv1.weight");
  EXPECT_EQ(std::ranges::count(names, "stage.0.shortcut.0.weight"), 1);
  EXPECT_EQ(std::ranges::count(names, "stage.1.shortcut.0.weight"), 0);
  EXPECT_EQ(std::ranges::count(names, "stage.1.bn2.running_var"), 1);
  EXPECT_EQ(two.nodes().back().name, "stage.1.activation2");
}

TEST(Catalogue, FaultsOfBlocksNameTheLayerWithin) {
  EXPECT_NE(refusal("type = \"transformer_block\"\nname = \"b\"\nheads = 4", {5, 1, 6})
                .find("layer 'b.self_attn'"),
            std::string::npos);
  const std::string two = refusal(
      "type = \"relu\"\n[[layer]]\ntype = \"residual_block\"\nout = 4\n"
      "from = [\"input\", \"relu\"]",
      {4, 4, 4});
  EXPECT_NE(two.find("test.toml:11:8: error: 'residual_block' takes 1 input, has 2"),
            std::string::npos)
      << two;
}

// A fault that a row finds at a key is told once, there, and not again at its section.
TEST(Catalogue, FaultsAtAKeyKeepTheirPlace) {
  const std::string text =
      refusal("type = \"conv2d\"\nout = 4\nkernel = 3\npad = \"some\"", {4, 4, 4});
  EXPECT_TRUE(text.starts_with("test.toml:10:7: error: 'pad' must be")) << text;
  EXPECT_EQ(text.find("error:", text.find("error:") + 1), std::string::npos) << text;
}

TEST(Catalogue, VocabStandsForTheSymbolsOfTheText) {
  const auto config =
      parse(with("type = \"linear\"\nout = \"vocab\"", kLoss, kOptimizer, kSchedule));
  EXPECT_EQ(build_network(config, {8, 1, 1}, 65).output_shape(), (Shape{8, 1, 65}));
  EXPECT_THROW((void)build_network(config, {8, 1, 1}), Error);
  EXPECT_NE(config::resolved(config, catalogue()).find("out = \"vocab\""), std::string::npos);
  EXPECT_THROW(
      (void)parse(with("type = \"linear\"\nout = \"vocal\"", kLoss, kOptimizer, kSchedule)), Error);
}

// Whether they can be trained on depends on data that is not here.
TEST(Catalogue, ReadsEveryExampleConfiguration) {
  int count = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(LOCKSTEP_SOURCE_DIR "/scripts/configs")) {
    SCOPED_TRACE(file.path());
    EXPECT_NO_THROW((void)config::parse(config::read_source(file.path()), {}, catalogue()));
    ++count;
  }
  EXPECT_GE(count, 6);
}

TEST(Catalogue, ScheduleCountsFromTheEndOfTheWarmUp) {
  const auto config = parse(
      with(kLayer, kLoss, kOptimizer, "type = \"cosine\"\nwarmup = \"1 epoch\"\nfinal = 0.01"));
  const LearningRate rate(config, 10, 40);
  EXPECT_DOUBLE_EQ(rate.at(0), 0.01);
  EXPECT_DOUBLE_EQ(rate.at(9), 0.1);
  EXPECT_DOUBLE_EQ(rate.at(10), 0.1);
  EXPECT_NEAR(rate.at(25), 0.055, 1e-12);
  EXPECT_DOUBLE_EQ(rate.at(40), 0.01);
}

TEST(Catalogue, TheRateIsScaledOnDemand) {
  const auto rate = [](const std::string& keys) {  // the batch is 8, lr 0.1
    return LearningRate(parse(with(kLayer, kLoss, kOptimizer + keys, kSchedule)), 10, 40).at(0);
  };
  EXPECT_DOUBLE_EQ(rate(""), 0.1);
  EXPECT_DOUBLE_EQ(rate("\nscale_lr = \"linear\"\nbase_batch = 2"), 0.4);
  EXPECT_DOUBLE_EQ(rate("\nscale_lr = \"sqrt\"\nbase_batch = 2"), 0.2);
  EXPECT_DOUBLE_EQ(rate("\nscale_lr = \"linear\"\nbase_batch = 16"), 0.05);
  EXPECT_THROW(rate("\nscale_lr = \"linear\""), Error);
  EXPECT_THROW(rate("\nbase_batch = 2"), Error);
}

TEST(Catalogue, FaultsOfComponentsPointAtTheirKey) {
  const auto message = [](const std::string& optimizer) -> std::string {
    try {
      (void)build_optimizer(parse(with(kLayer, kLoss, optimizer, kSchedule)));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message("type = \"sgd\"\nnesterov = true").find("test.toml:14:"), std::string::npos)
      << message("type = \"sgd\"\nnesterov = true");
  EXPECT_NE(message("type = \"adamw\"\nbetas = [0.9]").find("must have 2 numbers"),
            std::string::npos);
}

TEST(Catalogue, EveryBlockHasACaseOfTheGradientCheck) {
  for (const BlockRow& row : block_rows()) {
    EXPECT_TRUE(std::ranges::any_of(block_cases(), [&](const BlockCase& c) {
      return c.type == row.component.type;
    })) << row.component.type;
  }
}

TEST(StepsOf, RoundsAndIsAtLeastOne) {
  using Unit = config::Interval::Unit;
  EXPECT_EQ(steps_of({3, Unit::steps}, 10), 3u);
  EXPECT_EQ(steps_of({1.5, Unit::epochs}, 10), 15u);
  EXPECT_EQ(steps_of({0.01, Unit::epochs}, 10), 1u);
  EXPECT_THROW((void)steps_of({5, Unit::seconds}, 10), Error);
}

}  // namespace
}  // namespace lockstep
