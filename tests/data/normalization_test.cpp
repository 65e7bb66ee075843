#include "lockstep/data/normalization.hpp"

#include <algorithm>
#include <cmath>

#include "io/testing.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/data/split.hpp"

namespace lockstep {
namespace {

/// Bytes v[i] = 7 i mod 251 as samples of `shape`.
Dataset byte_dataset(const Shape& shape, Index size) {
  Dataset dataset("bytes", {shape, size, InputType::bytes, TargetKind::values, 1});
  const auto inputs = dataset.byte_inputs();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    inputs[i] = static_cast<std::uint8_t>(7 * i % 251);
  const auto values = dataset.values();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 2.0f;
  return dataset;
}

TEST(Normalization, EqualsTheFormulaForEveryChannelCount) {
  for (const Index channels : {1, 2, 3, 5, 64, 127, 128, 129, 300}) {
    const Dataset dataset = byte_dataset({3, 5, channels}, 2);
    Normalization by;
    for (Index c = 0; c < channels; ++c) {
      by.mean.push_back(static_cast<float>(c) * 0.3f);
      by.inverse_std.push_back(1.0f / static_cast<float>(c + 2));
    }
    std::vector<Real> out(static_cast<std::size_t>(dataset.shape().size()));
    dataset.read_input(1, by, out);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t c = i % static_cast<std::size_t>(channels);
      const float x = dataset.byte_inputs()[out.size() + i];
      ASSERT_EQ(out[i], (x - by.mean[c]) * by.inverse_std[c]) << channels << " " << i;
    }
    by.undo(out);
    EXPECT_NEAR(out[7], dataset.byte_inputs()[out.size() + 7], 1e-3);
  }
}

TEST(Normalization, IsIdentityWhenEmpty) {
  std::vector<Real> out(3);
  Normalization{}.apply(std::vector<std::uint8_t>{1, 2, 255}, out);
  EXPECT_EQ(out, (std::vector<Real>{1, 2, 255}));
  Normalization{}.apply(std::vector<float>{-1, 2, 0.5f}, out);
  EXPECT_EQ(out, (std::vector<Real>{-1, 2, 0.5f}));
}

TEST(Normalization, IsMeasuredPerChannel) {
  Dataset dataset("floats", {{2, 1, 2}, 2, InputType::floats, TargetKind::values, 2});
  std::ranges::copy(std::vector<float>{1, 10, 3, 10, 5, 10, 7, 10}, dataset.float_inputs().begin());
  std::ranges::copy(std::vector<float>{0, 1, 4, 3}, dataset.values().begin());
  const auto inputs = input_normalization(dataset, Subset::whole(2));
  EXPECT_EQ(inputs.mean, (std::vector<float>{4, 10}));
  EXPECT_EQ(inputs.inverse_std, (std::vector<float>{static_cast<float>(1 / std::sqrt(5.0)), 1}));
  const auto targets = target_normalization(dataset, Subset::whole(2));
  EXPECT_EQ(targets.mean, (std::vector<float>{2, 2}));
  EXPECT_EQ(targets.inverse_std, (std::vector<float>{0.5f, 1}));
}

TEST(Normalization, SeesTheTrainingSamplesOnly) {
  Dataset dataset("floats", {{1, 1, 1}, 50, InputType::floats, TargetKind::values, 1});
  const Split split = hold_out(50, 0.5, 1);
  for (Index i = 0; i < split.validation.size(); ++i) {
    dataset.float_inputs()[static_cast<std::size_t>(split.validation[i])] = 1000.0f;
  }
  EXPECT_EQ(input_normalization(dataset, split.train).mean, std::vector<float>{0.0f});
  EXPECT_EQ(input_normalization(dataset, split.validation).mean, std::vector<float>{1000.0f});
}

TEST(Normalization, TakesAConstantChannelAsSuch) {
  Dataset dataset("floats", {{1, 1, 1}, 1000, InputType::floats, TargetKind::values, 1});
  std::ranges::fill(dataset.float_inputs(), 0.1f);  // whose sum is not exact
  EXPECT_EQ(input_normalization(dataset, Subset::whole(1000)).inverse_std,
            std::vector<float>{1.0f});
}

TEST(Normalization, CanBeGiven) {
  const std::vector<double> mean = {1, 2, 3}, deviation = {2};
  const auto given = given_normalization(mean, deviation, 3);
  EXPECT_EQ(given, (Normalization{{1, 2, 3}, {0.5f, 0.5f, 0.5f}}));
  EXPECT_EQ(given_normalization(deviation, std::vector<double>{0}, 1), (Normalization{{2}, {1}}));
  expect_error(ExitCode::config, "expected 1 or 2 numbers each",
               [&] { (void)given_normalization(mean, deviation, 2); });
  expect_error(ExitCode::config, "found 1 and -1",
               [&] { (void)given_normalization(mean, std::vector<double>{-1}, 3); });
}

}  // namespace
}  // namespace lockstep
