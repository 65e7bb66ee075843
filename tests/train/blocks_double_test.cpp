#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/nn/layers.hpp"
#include "nn/network_gradient_check.hpp"
#include "train/catalogue/block.hpp"

// Backward of the blocks against central differences, in double precision, twice each: in all their
// forms they are layers that have their own checks; here it is how they are joined.

namespace lockstep {
namespace {

struct BlockCase {
  std::string name;
  std::string type;
  std::vector<std::pair<std::string, config::Value>> values;
};

const std::vector<BlockCase> kCases{
    {"Residual",
     "residual_block",
     {{"out", Index{3}}, {"stride", Index{1}}, {"activation", std::string("relu")}}},
    {"ResidualWithAnotherShape",
     "residual_block",
     {{"out", Index{4}}, {"stride", Index{2}}, {"activation", std::string("gelu")}}},
    {"TransformerPre",
     "transformer_block",
     {{"heads", Index{1}},
      {"ffn", Index{5}},
      {"activation", std::string("gelu")},
      {"norm", std::string("pre")},
      {"causal", true},
      {"dropout", 0.0}}},
    {"TransformerPostWithDropout",
     "transformer_block",
     {{"heads", Index{3}},
      {"ffn", {}},
      {"activation", std::string("silu")},
      {"norm", std::string("post")},
      {"causal", false},
      {"dropout", 0.3}}}};

class BlockGradient : public testing::TestWithParam<BlockCase> {};

TEST_P(BlockGradient, AgreesWithCentralDifferences) {
  const BlockCase& given = GetParam();
  config::Settings settings("layer", {});
  for (const auto& [key, value] : given.values) settings.set(key, {value, {}});
  settings.set("name", {std::string("block"), {}});
  settings.set("repeat", {Index{2}, {}});
  const auto row = std::ranges::find(block_rows(), given.type,
                                     [](const BlockRow& r) { return r.component.type; });
  ASSERT_NE(row, block_rows().end());
  Network network({5, 4, 3});
  add_block(*row, settings, network.input(), network);
  network.add(global_avg_pool());
  network.add(linear(3));
  check_network_gradients(network);
}

INSTANTIATE_TEST_SUITE_P(All, BlockGradient, testing::ValuesIn(kCases),
                         [](const auto& block) { return block.param.name; });

TEST(BlockGradient, EveryBlockHasACase) {
  for (const BlockRow& row : block_rows()) {
    EXPECT_TRUE(std::ranges::any_of(kCases, [&](const BlockCase& c) {
      return c.type == row.component.type;
    })) << row.component.type;
  }
}

}  // namespace
}  // namespace lockstep
