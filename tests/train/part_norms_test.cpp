#include "lockstep/train/part_norms.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "lockstep/base/parallel.hpp"
#include "lockstep/base/random.hpp"
#include "lockstep/optim/norm.hpp"

namespace lockstep {
namespace {

constexpr Index kSize = 20 * kNormBlock + 501;
const std::vector<Range> kParts{{0, 16}, {16, 3000}, {3008, 9000}, {9008, kSize}};

std::vector<Real> values(std::uint64_t seed) {
  std::vector<Real> x(static_cast<std::size_t>(kSize));
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<Real>(random_normal({.seed = seed}, i));
  }
  return x;
}

// The sums of both quantities of all parts, as `ranks` ranks compute them together.
std::vector<double> sums(int ranks, Index bucket) {
  const std::vector<std::vector<Real>> buffers{values(1), values(2)};
  const BucketLayout layout(kSize, bucket, ranks);
  std::vector<double> all;
  for (int rank = 0; rank < ranks; ++rank) {
    const PartNorms norms(layout, rank, kParts, 2);
    std::vector<double> mine(
        static_cast<std::size_t>(norms.counts()[static_cast<std::size_t>(rank)]));
    for (Index quantity = 0; quantity < 2; ++quantity) {
      std::vector<const Real*> slices;
      for (const Range& slice : layout.slices(rank)) {
        slices.push_back(buffers[static_cast<std::size_t>(quantity)].data() + slice.begin);
      }
      norms.measure(quantity, slices, mine);
    }
    all.insert(all.end(), mine.begin(), mine.end());
  }
  const PartNorms norms(layout, 0, kParts, 2);
  std::vector<double> result;
  for (Index quantity = 0; quantity < 2; ++quantity) {
    for (std::size_t part = 0; part < norms.parts(); ++part) {
      result.push_back(norms.square_sum(quantity, part, all));
    }
  }
  return result;
}

TEST(PartNorms, AreTheSumsOfTheParts) {
  const std::vector<double> found = sums(1, kSize);
  ASSERT_EQ(found.size(), 2 * kParts.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::vector<Real> x = values(1 + i / kParts.size());
    const Range part = kParts[i % kParts.size()];
    double exact = 0;
    for (Index k = part.begin; k < part.end; ++k) {
      exact += double{x[static_cast<std::size_t>(k)]} * double{x[static_cast<std::size_t>(k)]};
    }
    EXPECT_NEAR(found[i], exact, 1e-12 * exact);
  }
}

TEST(PartNorms, RanksBucketsAndThreadsChangeNoBit) {
  const int threads = thread_count();
  set_thread_count(1);
  const std::vector<double> alone = sums(1, kSize);
  for (const int count : {1, 2}) {
    set_thread_count(count);
    for (const int ranks : {1, 2, 3, 5, 30}) {
      for (const Index bucket : {Index{1}, Index{4096}, kSize}) {
        EXPECT_EQ(sums(ranks, bucket), alone) << ranks << " ranks, buckets of " << bucket;
      }
    }
  }
  set_thread_count(threads);
}

}  // namespace
}  // namespace lockstep
