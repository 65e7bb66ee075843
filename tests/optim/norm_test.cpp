#include "lockstep/optim/norm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lockstep/base/parallel.hpp"
#include "lockstep/base/random.hpp"

namespace lockstep {
namespace {

std::vector<double> sums_of(std::span<const Real> values) {
  std::vector<double> sums((values.size() + kNormBlock - 1) / kNormBlock, -1);
  block_square_sums(values, sums);
  return sums;
}

TEST(Norm, SumsTheSquaresOfEachBlock) {
  std::vector<Real> x(2 * kNormBlock + 3, 2);
  x[kNormBlock] = 3;
  EXPECT_EQ(sums_of(x), (std::vector<double>{4 * 1024, 4 * 1023 + 9, 12}));
  EXPECT_TRUE(sums_of({}).empty());
  EXPECT_EQ(sums_of(std::vector<Real>{1e30f}), std::vector<double>{double{1e30f} * double{1e30f}});
}

// Slices that ranks own are cut at blocks: each block's sum is the same wherever it is computed.
TEST(Norm, CutsAtBlocksAndThreadsChangeNoBit) {
  const int threads = thread_count();
  std::vector<Real> x(20 * kNormBlock + 501);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<Real>(random_normal({.seed = 1}, i));
  }
  set_thread_count(1);
  const std::vector<double> whole = sums_of(x);
  set_thread_count(2);
  EXPECT_EQ(sums_of(x), whole);
  for (std::size_t block = 0; block <= 20; ++block) {
    const auto right = sums_of(std::span(x).subspan(block * kNormBlock));
    EXPECT_TRUE(std::ranges::equal(right, std::span(whole).subspan(block)));
    double exact = 0;
    for (std::size_t i = block * kNormBlock; i < std::min(x.size(), (block + 1) * kNormBlock);
         ++i) {
      exact += double{x[i]} * double{x[i]};
    }
    EXPECT_NEAR(whole[block], exact, 1e-12 * exact);
  }
  set_thread_count(threads);
}

TEST(Norm, ClipScaleIsPyTorchs) {
  EXPECT_EQ(clip_scale(5, 0), 1);
  EXPECT_EQ(clip_scale(0.5, 1), 1);
  EXPECT_EQ(clip_scale(0, 1), 1);
  EXPECT_EQ(clip_scale(4, 1), 1 / (4 + 1e-6));
  EXPECT_LT(clip_scale(1, 1), 1);
  EXPECT_EQ(clip_scale(std::numeric_limits<double>::infinity(), 1), 0);
  EXPECT_TRUE(std::isnan(clip_scale(std::nan(""), 1)));
}

}  // namespace
}  // namespace lockstep
