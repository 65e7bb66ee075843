#include "lockstep/train/catalogue.hpp"

#include <gtest/gtest.h>

#include "lockstep/config/parse.hpp"
#include "lockstep/config/show.hpp"

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
    if (key.required) keys += "\n" + key.name + " = 2";
  }
  return keys;
}

TEST(Catalogue, HasNoFaults) { EXPECT_EQ(config::faults(catalogue()), std::vector<std::string>{}); }

TEST(Catalogue, EveryRowIsBuiltFromItsKeys) {
  for (const config::Component& c : catalogue().layers) {
    const std::string keys = "type = \"" + c.type + "\"" + required_keys(c);
    const Shape input = c.type.ends_with("1d") ? Shape{8, 1, 4} : Shape{4, 4, 4};
    const Network network = build_network(parse(with(keys, kLoss, kOptimizer, kSchedule)), input);
    EXPECT_EQ(network.nodes().front().layer->type(), c.type);
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

TEST(StepsOf, RoundsAndIsAtLeastOne) {
  using Unit = config::Interval::Unit;
  EXPECT_EQ(steps_of({3, Unit::steps}, 10), 3u);
  EXPECT_EQ(steps_of({1.5, Unit::epochs}, 10), 15u);
  EXPECT_EQ(steps_of({0.01, Unit::epochs}, 10), 1u);
  EXPECT_THROW((void)steps_of({5, Unit::seconds}, 10), Error);
}

}  // namespace
}  // namespace lockstep
