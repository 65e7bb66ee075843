#include "lockstep/nn/loss.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "lockstep/base/parallel.hpp"
#include "nn/layer_run.hpp"

namespace lockstep {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Result {
  std::vector<float> gradient;
  MetricSums sums{};
};

Result classify(Index columns, const std::vector<float>& z, const std::vector<std::int32_t>& labels,
                float weight = 1) {
  const auto rows = static_cast<Index>(labels.size());
  Result r{std::vector<float>(z.size()), {}};
  cross_entropy()->evaluate({z.data(), rows, columns}, {.labels = labels, .values = {}}, weight,
                            {r.gradient.data(), rows, columns}, r.sums);
  return r;
}

Result regress(Index columns, const std::vector<float>& p, const std::vector<float>& t,
               float weight = 1) {
  const Index rows = static_cast<Index>(p.size()) / columns;
  Result r{std::vector<float>(p.size()), {}};
  mean_squared_error()->evaluate({p.data(), rows, columns},
                                 {.labels = {}, .values = {t.data(), rows, columns}}, weight,
                                 {r.gradient.data(), rows, columns}, r.sums);
  return r;
}

TEST(CrossEntropy, KnownValues) {
  // exp = (1, 2, 5), sum 8: loss log(8 / 2), gradient 2 (1/8, 2/8 - 1, 5/8).
  const Result r = classify(3, {0, std::log(2.0f), std::log(5.0f)}, {1}, 2);
  EXPECT_NEAR(r.sums[0], std::log(4.0), 1e-6);
  EXPECT_EQ(r.sums[1], 0);
  EXPECT_THAT(r.gradient,
              ElementsAre(testing::FloatNear(0.25f, 1e-6f), testing::FloatNear(-1.5f, 1e-6f),
                          testing::FloatNear(1.25f, 1e-6f)));
}

TEST(CrossEntropy, HitIsTheFirstOfEquals) {
  EXPECT_EQ(classify(3, {1, 5, 5}, {1}).sums[1], 1);
  EXPECT_EQ(classify(3, {1, 5, 5}, {2}).sums[1], 0);
  EXPECT_EQ(classify(2, {1, 0, 0, 1, 2, 2}, {0, 1, 0}).sums[1], 3);
}

TEST(CrossEntropy, LargeLogitsDoNotOverflow) {
  const Result r = classify(2, {1000, 0, -1e30f, 0}, {1, 1});
  EXPECT_EQ(r.sums[0], 1000);
  EXPECT_THAT(r.gradient, ElementsAre(1, -1, 0, 0));
}

TEST(CrossEntropy, NonFiniteLogitsGiveANonFiniteLoss) {
  for (const float bad : {kNan, kInfinity}) {
    for (const std::size_t place : {0u, 1u, 2u}) {
      for (const std::int32_t label : {0, 1, 2}) {
        std::vector<float> z{1, 2, 3};
        z[place] = bad;
        EXPECT_FALSE(std::isfinite(classify(3, z, {label}).sums[0])) << bad << " at " << place;
      }
    }
  }
  EXPECT_FALSE(std::isfinite(classify(2, {-kInfinity, -kInfinity}, {0}).sums[0]));
  EXPECT_EQ(classify(2, {-kInfinity, 0}, {0}).sums[0], kInfinity);
}

TEST(CrossEntropy, MetricsAreMeans) {
  const auto m = cross_entropy()->metrics({6, 3, 0, 0}, 4);
  ASSERT_EQ(m.size(), 2u);
  EXPECT_EQ(m[0].name, "loss");
  EXPECT_EQ(m[0].value, 1.5);
  EXPECT_EQ(m[1].name, "acc");
  EXPECT_EQ(m[1].value, 0.75);
}

TEST(MeanSquaredError, KnownValues) {
  // Errors (1, -2), (0, 3): losses 5 / 2 and 9 / 2; gradient weight * error.
  const Result r = regress(2, {1, 0, 4, 5}, {0, 2, 4, 2}, 0.5f);
  EXPECT_THAT(r.sums, ElementsAre(7, 4, 8, 24));
  EXPECT_THAT(r.gradient, ElementsAre(0.5f, -1, 0, 1.5f));
}

TEST(MeanSquaredError, R2IsGivenForOneColumnOnly) {
  const auto loss = mean_squared_error();
  const auto one = loss->metrics(regress(1, {1, 2, 4}, {1, 2, 3}).sums, 3);
  ASSERT_EQ(one.size(), 3u);
  EXPECT_THAT(one[0].value, DoubleNear(1.0 / 3, 1e-12));
  EXPECT_THAT(one[1].value, DoubleNear(std::sqrt(1.0 / 3), 1e-12));
  EXPECT_EQ(one[2].name, "r2");
  EXPECT_THAT(one[2].value, DoubleNear(0.5, 1e-12));

  EXPECT_EQ(loss->metrics(regress(2, {1, 2, 4, 5}, {1, 2, 3, 4}).sums, 2).size(), 2u);
  EXPECT_TRUE(std::isnan(loss->metrics(regress(1, {1, 2}, {3, 3}).sums, 2)[2].value));
}

TEST(MeanSquaredError, NonFiniteNumbersGiveANonFiniteLoss) {
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    EXPECT_FALSE(std::isfinite(regress(2, {1, bad}, {1, 1}).sums[0]));
    EXPECT_FALSE(std::isfinite(regress(2, {1, 1}, {1, bad}).sums[0]));
    EXPECT_FALSE(std::isfinite(regress(2, {1, bad}, {1, bad}).sums[0]));
  }
}

TEST(Targets, RowsCutsLabelsAndValues) {
  const std::vector<std::int32_t> labels{1, 2, 3};
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const Targets part = Targets{.labels = labels, .values = {values.data(), 3, 2}}.rows(1, 2);
  EXPECT_THAT(part.labels, ElementsAre(2, 3));
  EXPECT_EQ(part.values.rows, 2);
  EXPECT_THAT(part.values.row(0), ElementsAre(3, 4));
  const Targets labels_only{.labels = labels, .values = {}};
  EXPECT_TRUE(labels_only.rows(0, 1).values.data == nullptr);
}

struct LossCase {
  std::string name;
  std::function<std::unique_ptr<Loss>()> make;
};

class LossContract : public testing::TestWithParam<LossCase> {
 public:
  ~LossContract() override { set_thread_count(threads_); }

 private:
  int threads_ = thread_count();
};

// Each microbatch by itself gives what the whole share gives: sums and gradient, bit by bit.
TEST_P(LossContract, TheShareAndTheThreadChangeNoBit) {
  const auto loss = GetParam().make();
  for (const Index columns : {1, 3, 8, 21}) {
    const Shape shape{1, 1, columns};
    const auto all = microbatches_of({3, 0, 1, 9});
    const Index rows = 13;
    std::vector<float> p(static_cast<std::size_t>(rows * columns)), t(p.size()), whole(p.size());
    fill_test_values(p, 1);
    fill_test_values(t, 2);
    std::vector<std::int32_t> labels;
    for (Index i = 0; i < rows; ++i) labels.push_back(static_cast<std::int32_t>(i % columns));
    const Targets targets{.labels = labels, .values = {t.data(), rows, columns}};

    for (const int threads : {1, 2}) {
      set_thread_count(threads);
      std::vector<MetricSums> sums(all.size(), {99, 99, 99, 99});
      evaluate_loss(*loss, {.microbatches = all, .random = {}}, {p.data(), shape}, targets, 0.1f,
                    {whole.data(), shape}, sums);
      std::vector<MetricSums> unwanted(all.size());
      evaluate_loss(*loss, {.microbatches = all, .random = {}}, {p.data(), shape}, targets, 0.1f,
                    {nullptr, shape}, unwanted);
      EXPECT_EQ(sums, unwanted);
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].rows == 0) {
          EXPECT_EQ(sums[i], MetricSums{});
          continue;
        }
        const Index first = all[i].first_row * columns;
        std::vector<float> alone(static_cast<std::size_t>(all[i].rows * columns));
        MetricSums sum{};
        loss->evaluate({p.data() + first, all[i].rows, columns},
                       targets.rows(all[i].first_row, all[i].rows), 0.1f,
                       {alone.data(), all[i].rows, columns}, sum);
        EXPECT_EQ(sum, sums[i]);
        EXPECT_EQ(std::memcmp(whole.data() + first, alone.data(), alone.size() * sizeof(float)), 0);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, LossContract,
                         testing::Values(LossCase{"cross_entropy", cross_entropy},
                                         LossCase{"mean_squared_error", mean_squared_error}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace lockstep
