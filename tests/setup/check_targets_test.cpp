#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/setup/data_sets.hpp"

namespace lockstep {
namespace {

std::string refusal(const Dataset& data, const Network& network, Outputs outputs) {
  try {
    check_targets(data, network, outputs, 0);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Network network_of(Shape input, Index outputs) {
  Network network(input);
  network.add(linear(outputs), "out");
  return network;
}

TEST(CheckTargets, LabelsAreBelowTheNumberOfOutputs) {
  Dataset data("some", {.shape = {.channels = 2}, .size = 3});
  std::ranges::copy(std::vector<std::int32_t>{0, 3, 1}, data.labels().begin());
  EXPECT_EQ(refusal(data, network_of({1, 1, 2}, 4), Outputs::class_logits), "");
  EXPECT_NE(refusal(data, network_of({1, 1, 2}, 3), Outputs::class_logits)
                .find("label 3 of sample 1 is out of range: layer 'out' has 3 outputs"),
            std::string::npos);
}

// What is said of the labels of a set of 4 samples by a network of `classes` outputs.
std::string refusal_of(const std::vector<std::int32_t>& labels, Index classes) {
  Dataset data("x.npy", {.shape = {.channels = 2}, .size = std::ssize(labels)});
  data.set_targets_name("y.npy");
  std::ranges::copy(labels, data.labels().begin());
  return refusal(data, network_of({1, 1, 2}, classes), Outputs::class_logits);
}

bool has(const std::string& message, std::string_view part) {
  return message.find(part) != std::string::npos;
}

TEST(CheckTargets, TheRemedyForALabelOutOfRangeFollowsFromTheLabels) {
  const std::string mask = refusal_of({0, 1, 255, 1}, 2);
  EXPECT_TRUE(has(mask, "y.npy: label 255 of sample 2")) << mask;
  EXPECT_TRUE(has(mask, "data.ignore_label=255")) << mask;
  EXPECT_FALSE(has(mask, "out = 256")) << mask;
  const std::string other = refusal_of({0, 1, 99, 1}, 2);
  EXPECT_TRUE(has(other, "data.ignore_label=99") && has(other, "out = 100")) << other;
  const std::string from_one = refusal_of({1, 2, 3, 1}, 3);
  EXPECT_TRUE(has(from_one, "from 1") && has(from_one, "out = 4")) << from_one;
  const std::string values = refusal_of({1200, 5400, 100, 1}, 3);
  EXPECT_TRUE(has(values, "mse") && has(values, "out = 5401")) << values;
  EXPECT_EQ(refusal_of({0, 1, kIgnoredLabel, 1}, 2), "");
}

TEST(CheckTargets, ClassesThatFindNoOutputAreNamed) {
  Dataset data("x.csv", {.shape = {.channels = 2}, .size = 3});
  std::ranges::copy(std::vector<std::int32_t>{0, 2, 1}, data.labels().begin());
  data.set_class_names({"No", "no", "yes"});
  const Network two = network_of({1, 1, 2}, 2);
  const std::string message = refusal(data, two, Outputs::class_logits);
  EXPECT_TRUE(has(message, "layer 'out' has 2 outputs, but there are 3 classes: No, no, yes"))
      << message;
  EXPECT_TRUE(has(message, "out = 3")) << message;
  EXPECT_EQ(refusal(data, network_of({1, 1, 2}, 3), Outputs::class_logits), "");
}

TEST(CheckTargets, ImagesGivenAsLabelsAreNamed) {
  Dataset data("x.npy", {.shape = {4, 4, 1}, .size = 3, .target_columns = 16});
  data.set_targets_name("images.npy");
  Network network({4, 4, 1});
  network.add(flatten());
  network.add(linear(10), "out");
  const std::string message = refusal(data, network, Outputs::class_logits);
  EXPECT_TRUE(has(message, "if images.npy holds images rather than labels")) << message;
}

TEST(CheckTargets, EveryPositionNeedsALabel) {
  const Dataset data("some", {.shape = {5, 1, 2}, .size = 3});
  const std::string message = refusal(data, network_of({5, 1, 2}, 4), Outputs::class_logits);
  EXPECT_NE(message.find("layer 'out' gives 5 positions"), std::string::npos) << message;
  EXPECT_NE(message.find("flatten"), std::string::npos) << message;
}

TEST(CheckTargets, ValuesAreAsManyAsOutputsAndProbabilitiesIfTheLossSaysSo) {
  Dataset data("some", {.shape = {.channels = 2},
                        .size = 2,
                        .target_kind = TargetKind::values,
                        .target_columns = 2});
  std::ranges::copy(std::vector<float>{0, 1, 0.5f, 1.5f}, data.values().begin());
  EXPECT_EQ(refusal(data, network_of({1, 1, 2}, 2), Outputs::values), "");
  EXPECT_NE(refusal(data, network_of({1, 1, 2}, 3), Outputs::values).find("out = 2"),
            std::string::npos);
  EXPECT_NE(refusal(data, network_of({1, 1, 2}, 2), Outputs::logits)
                .find("target 1.5 of sample 1 is no probability"),
            std::string::npos);
}

}  // namespace
}  // namespace lockstep
