#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/nn/workspace.hpp"
#include "nn/layer_run.hpp"

namespace lockstep {
namespace {

// What a dropout layer makes of ones; `before` layers that change nothing come first.
std::vector<Real> drop(double rate, const RandomKey& random, const std::vector<Index>& rows,
                       Index channels, bool training = true, int before = 0) {
  Network network({.channels = channels});
  for (int i = 0; i < before; ++i) network.add(flatten());
  network.add(dropout(rate));
  const auto microbatches = microbatches_of(rows);
  const Pass pass{.microbatches = microbatches, .training = training, .random = random};
  Workspace workspace(network, {.samples = pass.samples(),
                                .microbatches = static_cast<Index>(rows.size()),
                                .threads = thread_count()});
  std::ranges::fill(workspace.input().values(pass.samples()), Real{1});
  network.forward({}, pass, workspace);
  const auto output = workspace.output().values(pass.samples());
  return {output.begin(), output.end()};
}

const RandomKey kKey{.seed = 3, .purpose = RandomPurpose::layer, .a = 5};

TEST(Dropout, KeepsTheMeanAndDropsTheGivenShare) {
  for (const double rate : {0.1, 0.5, 0.9}) {
    const std::vector<Real> y = drop(rate, kKey, {100, 100}, 1000);
    const auto zeros = static_cast<double>(std::ranges::count(y, Real{0}));
    const double count = static_cast<double>(y.size());
    EXPECT_NEAR(zeros / count, rate, 0.004) << rate;
    const auto kept = static_cast<Real>(1 / (1 - rate));
    EXPECT_TRUE(std::ranges::all_of(y, [&](Real v) { return v == 0 || v == kept; }));
  }
}

TEST(Dropout, IsTheIdentityOutsideOfTraining) {
  EXPECT_THAT(drop(0.9, kKey, {2, 1}, 100, /*training=*/false), testing::Each(Real{1}));
  EXPECT_THAT(drop(0, kKey, {2, 1}, 100), testing::Each(Real{1}));
}

TEST(Dropout, DrawsAnewForEverySeedStepLayerMicrobatchAndRow) {
  const std::vector<Real> y = drop(0.5, kKey, {2, 2}, 200);
  RandomKey step = kKey, seed = kKey;
  ++step.a;
  ++seed.seed;
  EXPECT_EQ(drop(0.5, kKey, {2, 2}, 200), y);
  EXPECT_NE(drop(0.5, step, {2, 2}, 200), y);
  EXPECT_NE(drop(0.5, seed, {2, 2}, 200), y);
  EXPECT_NE(drop(0.5, kKey, {2, 2}, 200, true, 1), y);
  for (int a = 0; a < 4; ++a) {
    for (int b = 0; b < a; ++b) {
      EXPECT_FALSE(std::equal(y.begin() + a * 200, y.begin() + (a + 1) * 200, y.begin() + b * 200))
          << "rows " << a << " and " << b;
    }
  }
}

// A neighbour that has fewer rows or none changes nothing.
TEST(Dropout, DependsOnTheMicrobatchAlone) {
  const std::vector<Real> many = drop(0.5, kKey, {70, 3}, 130);
  const std::vector<Real> few = drop(0.5, kKey, {0, 3}, 130);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.end() - 3 * 130));
}

TEST(Dropout, RefusesRatesOutsideOfItsRange) {
  for (const double rate : {-0.1, 1.0, 2.0}) EXPECT_THROW(dropout(rate), Error) << rate;
}

}  // namespace
}  // namespace lockstep
