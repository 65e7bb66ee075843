#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/train/data_sets.hpp"

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

TEST(CheckTargets, EveryPositionNeedsALabel) {
  const Dataset data("some", {.shape = {5, 1, 2}, .size = 3});
  const std::string message = refusal(data, network_of({5, 1, 2}, 4), Outputs::class_logits);
  EXPECT_NE(message.find("layer 'out' gives 5 positions"), std::string::npos) << message;
  EXPECT_NE(message.find("flatten"), std::string::npos) << message;
}

TEST(CheckTargets, ValuesAreAsManyAsOutputsAndProbabilitiesIfTheLossSaysSo) {
  const Dataset data("some", {.shape = {.channels = 2},
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
