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

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "nn/layer_run.hpp"
#include "nn/loss_cases.hpp"

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
                float weight = 1, const CrossEntropyOptions& options = {}) {
  const auto rows = static_cast<Index>(labels.size());
  Result r{std::vector<float>(z.size(), 99.0f), {}};  // to be set, not added to
  cross_entropy(options)->evaluate({z.data(), rows, columns}, {.labels = labels, .values = {}},
                                   weight, {r.gradient.data(), rows, columns}, r.sums);
  return r;
}

Result regress(Index columns, const std::vector<float>& p, const std::vector<float>& t,
               float weight = 1, const Loss& loss = *mean_squared_error(),
               std::span<const double> inverse_variances = {}) {
  const Index rows = static_cast<Index>(p.size()) / columns;
  Result r{std::vector<float>(p.size()), {}};
  loss.evaluate(
      {p.data(), rows, columns},
      {.labels = {}, .values = {t.data(), rows, columns}, .inverse_variances = inverse_variances},
      weight, {r.gradient.data(), rows, columns}, r.sums);
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
  const auto m = cross_entropy()->metrics({6, 3, 4, 0}, 4, {1, 1, 10});
  ASSERT_EQ(m.size(), 2u);
  EXPECT_EQ(m[0].name, "loss");
  EXPECT_EQ(m[0].value, 1.5);
  EXPECT_EQ(m[1].name, "acc");
  EXPECT_EQ(m[1].value, 0.75);
}

std::vector<std::string> names(const std::vector<Metric>& metrics) {
  std::vector<std::string> all;
  for (const Metric& m : metrics) all.push_back(m.name);
  return all;
}

TEST(CrossEntropy, TopKAndPerplexityAreAmongTheFiguresWhereTheyBelong) {
  const auto loss = cross_entropy({.top_k = 5});
  const auto m = loss->metrics({6, 3, 4, 4 * std::log(7.0), 0}, 4, {20, 1, 10});
  EXPECT_THAT(names(m), ElementsAre("loss", "acc", "top5", "perplexity"));
  EXPECT_EQ(m[2].value, 1);
  EXPECT_THAT(m[3].value, DoubleNear(7, 1e-12));
  EXPECT_THAT(names(loss->metrics({}, 4, {1, 1, 10})), ElementsAre("loss", "acc", "top5"));
}

TEST(CrossEntropy, TopKCountsEqualValuesInTheirOrder) {
  const auto top2 = [](const std::vector<float>& z, std::int32_t label) {
    return classify(4, z, {label}, 1, {.top_k = 2}).sums[2];
  };
  EXPECT_EQ(top2({1, 4, 3, 2}, 1), 1);
  EXPECT_EQ(top2({1, 4, 3, 2}, 2), 1);
  EXPECT_EQ(top2({1, 4, 3, 2}, 3), 0);
  EXPECT_EQ(top2({5, 5, 5, 0}, 1), 1);
  EXPECT_EQ(top2({5, 5, 5, 0}, 2), 0);
}

TEST(CrossEntropy, SmoothingAndWeightsByHand) {
  // p = (1/8, 2/8, 5/8); q = w (0.7 [c = 1] + 0.1) = (0.2, 0.8, 0.05); of the label alone log 4.
  const Result r = classify(3, {0, std::log(2.0f), std::log(5.0f)}, {1}, 2,
                            {.label_smoothing = 0.3f, .class_weights = {2, 1, 0.5f}});
  EXPECT_NEAR(r.sums[0], 0.2 * std::log(8.0) + 0.8 * std::log(4.0) + 0.05 * std::log(1.6), 1e-6);
  EXPECT_NEAR(r.sums[3], std::log(4.0), 1e-6);
  const double total = 0.2 + 0.8 + 0.05;
  EXPECT_NEAR(r.gradient[0], 2 * (total / 8 - 0.2), 1e-6);
  EXPECT_NEAR(r.gradient[1], 2 * (total * 2 / 8 - 0.8), 1e-6);
  EXPECT_NEAR(r.gradient[2], 2 * (total * 5 / 8 - 0.05), 1e-6);
}

// Weights of 1 and a smoothing of 0 are no other way to the same place: not a bit differs.
TEST(CrossEntropy, WeightsOfOneChangeNoBit) {
  const std::vector<float> z{0.3f, -1.7f, 2.9f, 0.01f, 5, -3};
  const Result plain = classify(3, z, {1, 2}, 0.37f);
  const Result ones = classify(3, z, {1, 2}, 0.37f, {.class_weights = {1, 1, 1}});
  EXPECT_EQ(plain.gradient, ones.gradient);
  EXPECT_EQ(plain.sums, ones.sums);
}

// Not a bit of the others differs, and the gradient of what is passed over is 0.
TEST(CrossEntropy, ALabelBelowZeroCountsNothing) {
  const CrossEntropyOptions options{
      .label_smoothing = 0.2f, .class_weights = {2, 1, 3}, .top_k = 2};
  for (const CrossEntropyOptions& o : {CrossEntropyOptions{}, options}) {
    const Result all =
        classify(3, {0.3f, -1.7f, 2.9f, kNan, 7, 1, 0.01f, 5, -3}, {1, -1, 2}, 0.37f, o);
    const Result known = classify(3, {0.3f, -1.7f, 2.9f, 0.01f, 5, -3}, {1, 2}, 0.37f, o);
    EXPECT_EQ(all.sums, known.sums);
    const auto& g = all.gradient;
    EXPECT_THAT(std::vector<float>(g.begin() + 3, g.begin() + 6), ElementsAre(0, 0, 0));
    EXPECT_TRUE(std::equal(g.begin(), g.begin() + 3, known.gradient.begin()));
    EXPECT_TRUE(std::equal(g.begin() + 6, g.end(), known.gradient.begin() + 3));
  }
}

TEST(CrossEntropy, RefusesASingleOutput) {
  try {
    cross_entropy()->check({1, 1, 1});
    ADD_FAILURE() << "one output is taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("binary_cross_entropy"), std::string::npos);
  }
}

TEST(CrossEntropy, RefusesANetworkWithOtherClasses) {
  EXPECT_NO_THROW(cross_entropy({.class_weights = {1, 2}, .top_k = 1})->check({1, 1, 2}));
  EXPECT_THROW(cross_entropy({.class_weights = {1, 2}})->check({1, 1, 3}), Error);
  EXPECT_THROW(cross_entropy({.top_k = 3})->check({1, 1, 3}), Error);
}

TEST(MeanSquaredError, KnownValues) {
  // Errors (1, -2), (0, 3): losses 5 / 2 and 9 / 2; gradient weight * error.
  const std::vector<double> inverse_variances{2, 4};
  const Result r =
      regress(2, {1, 0, 4, 5}, {0, 2, 4, 2}, 0.5f, *mean_squared_error(), inverse_variances);
  EXPECT_THAT(r.sums, ElementsAre(7, 7, (2 + 16) / 2.0 + 36 / 2.0, 0, 3));
  EXPECT_THAT(r.gradient, ElementsAre(0.5f, -1, 0, 1.5f));
}

TEST(MeanSquaredError, R2OfOneColumn) {
  const auto loss = mean_squared_error();
  const auto one = loss->metrics(regress(1, {1, 2, 4}, {1, 2, 3}).sums, 3, {1, 1, 1});
  ASSERT_THAT(names(one), ElementsAre("loss", "rmse", "mae", "r2"));
  EXPECT_THAT(one[0].value, DoubleNear(1.0 / 3, 1e-12));
  EXPECT_THAT(one[1].value, DoubleNear(std::sqrt(1.0 / 3), 1e-12));
  EXPECT_THAT(one[2].value, DoubleNear(1.0 / 3, 1e-12));
  EXPECT_THAT(one[3].value, DoubleNear(0.5, 1e-12));

  const MetricSums equal = regress(1, {1, 2}, {3, 3}).sums;
  EXPECT_TRUE(std::isnan(loss->metrics(equal, 2, {1, 1, 1})[3].value));
  const std::vector<float> tenth(1000, 0.1f), zero(1000, 0.0f);  // their squares do not add up
  const MetricSums rounded = regress(1, zero, tenth).sums;
  EXPECT_TRUE(std::isnan(loss->metrics(rounded, 1000, {1, 1, 1})[3].value));
}

// The mean of the columns' own: 1 - (1 + 1) / (2 + 18) would be that of both together.
TEST(MeanSquaredError, R2OfSeveralColumns) {
  const auto loss = mean_squared_error();
  const std::vector<float> p{1, 10, 3, 13, 3, 16}, t{1, 10, 2, 13, 3, 17};
  const std::vector<double> inverse_variances{3 / 2.0, 3 / 24.666666666666666};
  const MetricSums sums = regress(2, p, t, 1, *loss, inverse_variances).sums;
  const auto m = loss->metrics(sums, 3, {1, 1, 2});
  ASSERT_THAT(names(m), ElementsAre("loss", "rmse", "mae", "r2"));
  EXPECT_THAT(m[3].value, DoubleNear(((1 - 1 / 2.0) + (1 - 1 / 24.666666666666666)) / 2, 1e-12));
  const MetricSums unknown = regress(2, p, t).sums;
  EXPECT_TRUE(std::isnan(loss->metrics(unknown, 3, {1, 1, 2})[3].value));
  const std::vector<double> constant{3 / 2.0, kInfinity};
  const MetricSums none = regress(2, p, t, 1, *loss, constant).sums;
  EXPECT_TRUE(std::isnan(loss->metrics(none, 3, {1, 1, 2})[3].value));
}

TEST(MeanAbsoluteError, KnownValues) {
  // Errors (1, -2), (0, 3): losses 3 / 2 and 3 / 2; gradient weight / 2 * sign.
  const auto loss = mean_absolute_error();
  const Result r = regress(2, {1, 0, 4, 5}, {0, 2, 4, 2}, 0.5f, *loss);
  EXPECT_THAT(r.sums, ElementsAre(3, 7, kInfinity, 0, 3));
  EXPECT_THAT(r.gradient, ElementsAre(0.25f, -0.25f, 0, 0.25f));
}

TEST(Huber, KnownValues) {
  // Errors (1, -2), (0, 3) with delta 2: (1/2 + 2) / 2 and 2 (3 - 1) / 2.
  const Result r = regress(2, {1, 0, 4, 5}, {0, 2, 4, 2}, 0.5f, *huber(2));
  EXPECT_EQ(r.sums[0], 1.25 + 2);
  EXPECT_THAT(r.gradient, ElementsAre(0.25f, -0.5f, 0, 0.5f));
  EXPECT_THROW((void)huber(0), Error);
  EXPECT_THROW((void)huber(kNan), Error);
}

TEST(BinaryCrossEntropy, KnownValues) {
  // sigmoid = (3/4, 1/2) with answers (1, 1/4).
  const auto loss = binary_cross_entropy();
  const Result r = regress(2, {std::log(3.0f), 0}, {1, 0.25f}, 4, *loss);
  EXPECT_NEAR(r.sums[0], (std::log(4.0 / 3) + std::log(2.0)) / 2, 1e-6);
  EXPECT_EQ(r.sums[1], 1);
  EXPECT_NEAR(r.gradient[0], 2 * (0.75 - 1), 1e-6);
  EXPECT_NEAR(r.gradient[1], 2 * (0.5 - 0.25), 1e-6);
  EXPECT_EQ(regress(2, {1, 1}, {1, 0}, 1, *loss).sums[1], 0.5);
}

TEST(BinaryCrossEntropy, LargeLogitsAndManyOutputsDoNotOverflow) {
  const auto loss = binary_cross_entropy();
  const Result far = regress(2, {1000, -1000}, {0, 0}, 1, *loss);
  EXPECT_EQ(far.sums[0], 500);
  EXPECT_THAT(far.gradient, ElementsAre(0.5f, 0));
  const std::vector<float> zeros(5000, 0.0f);  // log 2 each: the product alone would be 2^5000
  EXPECT_NEAR(regress(5000, zeros, zeros, 1, *loss).sums[0], std::log(2.0), 1e-12);
  EXPECT_FALSE(std::isfinite(regress(1, {kNan}, {1}, 1, *loss).sums[0]));
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

// A sample of three positions: its loss, its share of hits and its gradient are means over them.
TEST(EvaluateLoss, ASampleIsTheMeanOverItsPositions) {
  const Shape shape{3, 1, 2};
  const std::vector<float> z{0, 1, 2, 0, 0, 0, 1, 0, 0, 3, 1, 1};
  const std::vector<std::int32_t> labels{1, 1, 0, 0, 1, 1};
  const auto microbatches = microbatches_of({1, 0, 1});
  std::vector<float> gradient(z.size());
  std::vector<MetricSums> sums(3);
  const auto loss = cross_entropy();
  evaluate_loss(*loss, {.microbatches = microbatches, .random = {}}, {z.data(), shape},
                {.labels = labels, .values = {}}, 0.5, {gradient.data(), shape}, sums);
  const Result first = classify(2, {0, 1, 2, 0, 0, 0}, {1, 1, 0}, 0.5f / 3);
  const Result second = classify(2, {1, 0, 0, 3, 1, 1}, {0, 1, 1}, 0.5f / 3);
  for (std::size_t i = 0; i < first.sums.size(); ++i) {
    EXPECT_EQ(sums[0][i], first.sums[i] / 3);
    EXPECT_EQ(sums[1][i], 0);
    EXPECT_EQ(sums[2][i], second.sums[i] / 3);
  }
  EXPECT_THAT(std::vector<float>(gradient.begin(), gradient.begin() + 6),
              testing::ElementsAreArray(first.gradient));
  EXPECT_THAT(std::vector<float>(gradient.begin() + 6, gradient.end()),
              testing::ElementsAreArray(second.gradient));
  EXPECT_EQ(sums[0][1], 2.0 / 3);
}

// Values of one sample lie in one row, whatever its positions are.
TEST(EvaluateLoss, ValuesOfPositionsAreRowsOfTheirOwn) {
  const Shape shape{2, 1, 1};
  const std::vector<float> p{1, 2, 3, 5}, t{1, 1, 1, 1};
  const auto microbatches = microbatches_of({1, 1});
  std::vector<float> gradient(p.size());
  std::vector<MetricSums> sums(2);
  const auto loss = mean_squared_error();
  evaluate_loss(*loss, {.microbatches = microbatches, .random = {}}, {p.data(), shape},
                {.labels = {}, .values = {t.data(), 2, 2}}, 0.5, {gradient.data(), shape}, sums);
  EXPECT_EQ(sums[0][0], 0.5);
  EXPECT_EQ(sums[1][0], 10);
  EXPECT_THAT(gradient, ElementsAre(0, 0.5f, 1, 2));
}

// A weight multiplies the loss of its sample and its slope; hits are counted without it.
TEST(EvaluateLoss, AWeightIsHowOftenASampleCounts) {
  const Shape shape{2, 1, 2};
  const std::vector<float> z{0, 1, 2, 0, 0, 3, 1, 1, 5, 4, 0, 2};
  const std::vector<std::int32_t> labels{1, 1, 0, 0, 1, 1};
  const std::vector<float> weights{2, 0, 1};
  const auto microbatches = microbatches_of({2, 1});
  const Pass pass{.microbatches = microbatches, .random = {}};
  const auto loss = cross_entropy();
  std::vector<float> plain(z.size()), weighted(z.size());
  std::vector<MetricSums> each(3), sums(2);
  evaluate_loss(*loss, {.microbatches = microbatches_of({1, 1, 1}), .random = {}},
                {z.data(), shape}, {.labels = labels, .values = {}}, 0.5, {plain.data(), shape},
                each);
  evaluate_loss(*loss, pass, {z.data(), shape},
                {.labels = labels, .values = {}, .weights = weights}, 0.5, {weighted.data(), shape},
                sums);
  EXPECT_DOUBLE_EQ(sums[0][0], 2 * each[0][0]);
  EXPECT_EQ(sums[0][1], each[0][1] + each[1][1]);
  EXPECT_DOUBLE_EQ(sums[1][0], each[2][0]);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(weighted[i], weights[i / 4] * plain[i]) << i;
  }
}

class LossContract : public testing::TestWithParam<LossCase> {
 public:
  ~LossContract() override { set_thread_count(threads_); }

 private:
  int threads_ = thread_count();
};

TEST_P(LossContract, EachMetricHasARow) {
  const auto metrics = GetParam().make(8)->metrics({}, 1, {4, 1, 8});
  EXPECT_EQ(metrics.front().name, "loss");
  for (const Metric& metric : metrics)
    EXPECT_FALSE(metric_row(metric.name).name.empty()) << metric.name;
}

TEST_P(LossContract, OfClassLabelsAloneItCountsTheRightPredictions) {
  const auto loss = GetParam().make(3);
  EXPECT_EQ(loss->right({}).has_value(), loss->classifies());
  if (!loss->classifies()) return;
  const std::vector<float> p{1, 2, 3, 3, 2, 1};
  const std::vector<std::int32_t> labels{2, 1};
  MetricSums sums{};
  loss->evaluate({p.data(), 2, 3}, {.labels = labels, .values = {}}, 1, {}, sums);
  EXPECT_EQ(loss->right(sums), 1);
}

// Each microbatch by itself gives what the whole share gives: sums and gradient, bit by bit.
TEST_P(LossContract, TheShareAndTheThreadChangeNoBit) {
  for (const Index columns : {1, 3, 8, 21}) {
    const auto loss = GetParam().make(columns);
    const Shape shape{1, 1, columns};
    const auto all = microbatches_of({3, 0, 1, 9});
    const Index rows = 13;
    std::vector<float> p(static_cast<std::size_t>(rows * columns)), t(p.size()), whole(p.size());
    fill_test_values(p, 1);
    fill_test_values(t, 2);
    std::vector<std::int32_t> labels;
    for (Index i = 0; i < rows; ++i) {  // some are not known
      labels.push_back(i % 4 == 1 ? -1 : static_cast<std::int32_t>(i % columns));
    }
    const Targets targets{.labels = labels, .values = {t.data(), rows, columns}};

    for (const int threads : {1, 2}) {
      set_thread_count(threads);
      std::vector<MetricSums> sums(all.size(), {99, 99, 99, 99, 99});
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

INSTANTIATE_TEST_SUITE_P(All, LossContract, testing::ValuesIn(loss_cases()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace lockstep
