#include "lockstep/kernels/linear.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "lockstep/base/parallel.hpp"
#include "lockstep/base/random.hpp"

namespace lockstep::kernels {
namespace {

constexpr Index kIn = 300;   // more than one tile of the weight gradient ...
constexpr Index kOut = 600;  // ... in both directions, and of the columns
constexpr Index kMicrobatches = 5;

struct Data {
  std::vector<Microbatch> microbatches{std::size_t{kMicrobatches}};
  std::vector<Real> x, w, bias, dy;
  Index rows = 23;

  Data() {
    cut_batch({0, kMicrobatches}, rows, kMicrobatches, microbatches);
    const auto fill = [](Index count, std::uint32_t stream) {
      std::vector<Real> values;
      for (Index i = 0; i < count; ++i) {
        values.push_back(static_cast<Real>(
            random_normal({.seed = 8, .a = stream}, static_cast<std::uint64_t>(i))));
      }
      return values;
    };
    x = fill(rows * kIn, 1);
    w = fill(kIn * kOut, 2);
    bias = fill(kOut, 3);
    dy = fill(rows * kOut, 4);
  }
  [[nodiscard]] RowBlocks blocks() const { return {microbatches, 1}; }
};

TEST(LinearKernels, ForwardIsTheProductPlusBias) {
  const Data d;
  std::vector<Real> y(static_cast<std::size_t>(d.rows * kOut));
  linear_forward(d.blocks(), {d.x.data(), d.rows, kIn}, {d.w.data(), kIn, kOut}, d.bias,
                 {y.data(), d.rows, kOut});
  for (const Index i : {Index{0}, Index{7}, d.rows - 1}) {
    for (const Index j : {Index{0}, Index{511}, Index{512}, kOut - 1}) {
      double sum = d.bias[static_cast<std::size_t>(j)];
      for (Index p = 0; p < kIn; ++p) {
        sum += static_cast<double>(d.x[static_cast<std::size_t>(i * kIn + p)]) *
               d.w[static_cast<std::size_t>(p * kOut + j)];
      }
      EXPECT_NEAR(y[static_cast<std::size_t>(i * kOut + j)], sum, 1e-4);
    }
  }
}

TEST(LinearKernels, InputGradientIsTheProductWithTheTransposedWeights) {
  const Data d;
  std::vector<Real> dx(static_cast<std::size_t>(d.rows * kIn));
  linear_input_gradient(d.blocks(), {d.dy.data(), d.rows, kOut}, {d.w.data(), kIn, kOut},
                        {dx.data(), d.rows, kIn});
  for (const Index i : {Index{0}, d.rows - 1}) {
    for (const Index p : {Index{0}, Index{128}, kIn - 1}) {
      double sum = 0;
      for (Index j = 0; j < kOut; ++j) {
        sum += static_cast<double>(d.dy[static_cast<std::size_t>(i * kOut + j)]) *
               d.w[static_cast<std::size_t>(p * kOut + j)];
      }
      EXPECT_NEAR(dx[static_cast<std::size_t>(i * kIn + p)], sum, 1e-3);
    }
  }
}

// All gradients of one block per entry of `blocks`: weight, then bias.
std::vector<Real> gradients_of(const Data& d, const std::vector<Share>& blocks, int threads) {
  set_thread_count(threads);
  const std::size_t size = kIn * kOut + kOut;
  std::vector<Real> all(blocks.size() * size);
  std::vector<LinearGradient> targets;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    Real* at = all.data() + b * size;
    targets.push_back({blocks[b], at, {at + kIn * kOut, static_cast<std::size_t>(kOut)}});
  }
  std::vector<Real> scratch(
      static_cast<std::size_t>(linear_gradient_scratch(kMicrobatches, threads)));
  linear_weight_gradient(d.blocks(), {d.x.data(), d.rows, kIn}, {d.dy.data(), d.rows, kOut},
                         targets, scratch);
  set_thread_count(1);
  return all;
}

TEST(LinearKernels, WeightAndBiasGradientsAreSumsOverTheBlock) {
  const Data d;
  const auto all = gradients_of(d, {{0, 4}, {4, 1}}, 1);
  const std::size_t size = kIn * kOut + kOut;
  const Index cut = d.microbatches[4].first_row;
  for (int b = 0; b < 2; ++b) {
    for (const Index p : {Index{0}, Index{130}, kIn - 1}) {
      for (const Index j : {Index{0}, Index{513}, kOut - 1}) {
        double weight = 0, bias = 0;
        for (Index i = b == 0 ? 0 : cut; i < (b == 0 ? cut : d.rows); ++i) {
          const double dy = d.dy[static_cast<std::size_t>(i * kOut + j)];
          weight += static_cast<double>(d.x[static_cast<std::size_t>(i * kIn + p)]) * dy;
          bias += dy;
        }
        const Real* at = all.data() + static_cast<std::size_t>(b) * size;
        EXPECT_NEAR(at[p * kOut + j], weight, 1e-4);
        EXPECT_NEAR(at[kIn * kOut + j], bias, 1e-4);
      }
    }
  }
}

TEST(LinearKernels, GradientBitsFollowTheTreeAndNotTheThreads) {
  const Data d;
  const std::size_t size = kIn * kOut + kOut;
  const auto whole = gradients_of(d, {{0, 4}, {4, 1}}, 1);
  const auto threaded = gradients_of(d, {{0, 4}, {4, 1}}, 3);
  EXPECT_EQ(std::memcmp(whole.data(), threaded.data(), whole.size() * sizeof(Real)), 0);

  const auto halves = gradients_of(d, {{0, 2}, {2, 2}, {4, 1}}, 2);
  for (std::size_t i = 0; i < size; ++i) {
    const Real sum = halves[i] + halves[size + i];
    ASSERT_EQ(std::memcmp(&sum, &whole[i], sizeof sum), 0) << i;
  }
}

TEST(LinearKernels, EmptyMicrobatchesGiveZeroGradients) {
  Data d;
  d.rows = 2;
  cut_batch({0, kMicrobatches}, d.rows, kMicrobatches, d.microbatches);
  ASSERT_EQ(d.microbatches[0].rows, 0);
  const auto all = gradients_of(d, {{0, 1}}, 1);
  for (const Real v : all) ASSERT_EQ(v, 0);
}

}  // namespace
}  // namespace lockstep::kernels
