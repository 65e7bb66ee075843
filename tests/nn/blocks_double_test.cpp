#include <gtest/gtest.h>

#include "nn/block_cases.hpp"
#include "nn/network_gradient_check.hpp"

// Backward of the blocks against central differences, in double precision, twice each: in all their
// forms they are layers that have their own checks; here it is how they are joined.

namespace lockstep {
namespace {

class BlockGradient : public testing::TestWithParam<BlockCase> {};

TEST_P(BlockGradient, AgreesWithCentralDifferences) {
  constexpr Index kCopies = 2;
  Network network({5, 4, 3});
  Value value = network.input();
  for (Index copy = 0; copy < kCopies; ++copy) {
    BlockCopy block(network, "block", copy, kCopies);
    value = GetParam().add(block, value);
  }
  network.add(global_avg_pool());
  network.add(linear(3));
  check_network_gradients(network);
}

INSTANTIATE_TEST_SUITE_P(All, BlockGradient, testing::ValuesIn(block_cases()),
                         [](const auto& block) { return block.param.name; });

}  // namespace
}  // namespace lockstep
