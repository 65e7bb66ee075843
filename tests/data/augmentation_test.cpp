#include "lockstep/data/augmentation.hpp"

#include <cmath>
#include <numeric>

#include "io/testing.hpp"

namespace lockstep {
namespace {

std::vector<Real> counted(Index size) {
  std::vector<Real> values(static_cast<std::size_t>(size));
  std::iota(values.begin(), values.end(), Real{1});
  return values;
}

/// What an augmentation makes of 1, 2, 3, ... for sample number `sample`.
std::vector<Real> augmented(std::unique_ptr<Augmentation> augmentation, const Shape& shape,
                            Index sample, const Normalization& normalization = {},
                            std::uint64_t epoch = 0) {
  std::vector<std::unique_ptr<Augmentation>> list;
  list.push_back(std::move(augmentation));
  const Augmenter augmenter(std::move(list), shape, normalization, 1);
  std::vector<Real> values = counted(shape.size());
  augmenter.apply(epoch, sample, values);
  return values;
}

/// The value that a moved image must have at (y, x), by the definition.
Real moved(const Shape& s, Index y, Index x, Index c, Border border, Real blank) {
  const auto inside = [&](Index at, Index extent) -> Index {
    if (border == Border::edge) return std::clamp<Index>(at, 0, extent - 1);
    return at < 0 ? -at : at >= extent ? 2 * (extent - 1) - at : at;
  };
  if (border == Border::blank && (y < 0 || y >= s.height || x < 0 || x >= s.width)) return blank;
  const Index at = (inside(y, s.height) * s.width + inside(x, s.width)) * s.channels + c;
  return static_cast<Real>(at + 1);
}

/// How far the content went, or nothing if `values` is no moved image.
bool is_moved(const std::vector<Real>& values, const Shape& s, Index dy, Index dx, Border border,
              const std::vector<Real>& blank) {
  for (Index i = 0; i < s.size(); ++i) {
    const Index c = i % s.channels, x = i / s.channels % s.width, y = i / s.channels / s.width;
    if (values[static_cast<std::size_t>(i)] !=
        moved(s, y - dy, x - dx, c, border, blank[static_cast<std::size_t>(c)])) {
      return false;
    }
  }
  return true;
}

TEST(Shift, MovesByEveryDistanceAndFillsTheBorder) {
  const Shape shape{7, 9, 2};
  const Normalization normalization{{1.0f, 2.0f}, {0.5f, 0.25f}};
  const std::vector<Real> blank{-0.5f, -0.5f};
  for (const Border border : {Border::blank, Border::edge, Border::reflect}) {
    std::vector<int> found(25);
    for (Index sample = 0; sample < 400; ++sample) {
      const auto values = augmented(shift(2, border), shape, sample, normalization);
      int matches = 0;
      for (Index way = 0; way < 25; ++way) {
        if (!is_moved(values, shape, way / 5 - 2, way % 5 - 2, border, blank)) continue;
        ++matches;
        ++found[static_cast<std::size_t>(way)];
      }
      ASSERT_EQ(matches, 1) << "sample " << sample;
    }
    for (const int times : found) EXPECT_GT(times, 3);
  }
}

TEST(Crop, IsAShiftWithAReflectedBorder) {
  const Shape shape{5, 5, 1};
  EXPECT_EQ(augmented(crop(2), shape, 3), augmented(shift(2, Border::reflect), shape, 3));
}

TEST(TimeShift, MovesAlongTheFirstAxisOnly) {
  const Shape shape{9, 1, 2};
  bool moved_once = false;
  for (Index sample = 0; sample < 20; ++sample) {
    const auto values = augmented(time_shift(3), shape, sample);
    int matches = 0;
    for (Index by = -3; by <= 3; ++by) {
      matches += is_moved(values, shape, by, 0, Border::blank, {0, 0}) ? 1 : 0;
    }
    EXPECT_EQ(matches, 1);
    moved_once |= values != counted(shape.size());
  }
  EXPECT_TRUE(moved_once);
}

TEST(HorizontalFlip, SwapsColumnsOfAboutHalfTheSamples) {
  const Shape shape{2, 3, 2};
  const std::vector<Real> flipped{5, 6, 3, 4, 1, 2, 11, 12, 9, 10, 7, 8};
  int count = 0;
  for (Index sample = 0; sample < 1000; ++sample) {
    const auto values = augmented(horizontal_flip(), shape, sample);
    if (values == flipped) ++count;
    EXPECT_TRUE(values == flipped || values == counted(12));
  }
  EXPECT_NEAR(count, 500, 60);
  EXPECT_EQ(augmented(horizontal_flip(1), shape, 0), flipped);
  EXPECT_EQ(augmented(horizontal_flip(0), shape, 0), counted(12));
}

TEST(HorizontalFlip, AlternatesBetweenEpochs) {
  const Shape shape{2, 3, 2};
  int count = 0;
  for (Index sample = 0; sample < 1000; ++sample) {
    const auto first = augmented(horizontal_flip(0.5, true), shape, sample);
    count += first == counted(12) ? 0 : 1;
    for (const std::uint64_t epoch : {1u, 2u, 3u, 4u}) {
      const auto later = augmented(horizontal_flip(0.5, true), shape, sample, {}, epoch);
      EXPECT_EQ(later == first, epoch % 2 == 0);
    }
  }
  EXPECT_NEAR(count, 500, 60);
}

TEST(Cutout, BlanksASquareThatMayReachOutside) {
  const Shape shape{6, 8, 1};
  bool whole = false, cut = false;
  for (Index sample = 0; sample < 100; ++sample) {
    const auto values = augmented(cutout(3), shape, sample);
    Index top = 6, bottom = -1, left = 8, right = -1, zeros = 0;
    for (Index i = 0; i < shape.size(); ++i) {
      if (values[static_cast<std::size_t>(i)] != 0) continue;
      ++zeros;
      top = std::min(top, i / 8), bottom = std::max(bottom, i / 8);
      left = std::min(left, i % 8), right = std::max(right, i % 8);
    }
    const Index rows = bottom - top + 1, columns = right - left + 1;
    EXPECT_EQ(zeros, rows * columns);
    EXPECT_TRUE(rows >= 2 && rows <= 3 && columns >= 2 && columns <= 3);
    whole |= zeros == 9;
    cut |= zeros < 9;
  }
  EXPECT_TRUE(whole && cut);
}

TEST(Noise, HasMeanZeroAndItsDeviation) {
  const Shape shape{1, 1, 10001};
  const auto values = augmented(noise(0.5), shape, 7);
  double sum = 0, squares = 0, fourth = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double e = static_cast<double>(values[i]) - static_cast<double>(i + 1);
    sum += e, squares += e * e, fourth += e * e * e * e;
    EXPECT_LT(std::abs(e), 0.5 * 3.5);
  }
  EXPECT_NEAR(sum / 10001, 0, 0.02);
  EXPECT_NEAR(squares / 10001, 0.25, 0.01);
  EXPECT_NEAR(fourth / 10001, 2.7 * 0.0625, 0.02);  // four uniform numbers: kurtosis 2.7
  EXPECT_EQ(augmented(noise(0), shape, 7), counted(10001));
}

TEST(Mask, BlanksWholeStepsAndWholeBands) {
  for (const Shape shape : {Shape{10, 1, 6}, Shape{10, 6, 1}}) {  // a sequence, an image
    std::vector<int> widths(4);
    for (Index sample = 0; sample < 200; ++sample) {
      const auto values = augmented(mask({.time = 3}), shape, sample);
      int steps = 0;
      for (std::size_t t = 0; t < 10; ++t) {
        const auto row = std::span(values).subspan(6 * t, 6);
        const auto zeros = std::ranges::count(row, Real{0});
        EXPECT_TRUE(zeros == 0 || zeros == 6);
        steps += zeros == 6 ? 1 : 0;
      }
      ++widths[static_cast<std::size_t>(steps)];
    }
    for (const int times : widths) EXPECT_GT(times, 20);

    const auto values = augmented(mask({.bands = 6, .band_masks = 4}), shape, 1);
    for (std::size_t band = 0; band < 6; ++band) {
      for (std::size_t t = 0; t < 10; ++t) {
        EXPECT_EQ(values[6 * t + band] == 0, values[band] == 0);
      }
    }
    EXPECT_EQ(augmented(mask({}), shape, 1), counted(60));
  }
}

TEST(Augmentation, WhatDoesNotFitIsRefused) {
  const auto refuse = [](std::unique_ptr<Augmentation> a, const Shape& shape,
                         const std::string& fragment) {
    expect_error(ExitCode::config, fragment, [&] { a->check(shape); });
  };
  refuse(shift(2), {4, 9, 1}, "shift: cannot move the content by 2");
  refuse(crop(1), {9, 1, 3}, "crop: cannot move");
  refuse(time_shift(5), {10, 1, 1}, "the samples are 10 x 1 x 1");
  refuse(horizontal_flip(), {1, 1, 64}, "only images");
  refuse(cutout(5), {9, 4, 1}, "square of 5");
  refuse(mask({.time = 11}), {10, 1, 4}, "11 of 10 steps");
  refuse(mask({.bands = 5}), {10, 1, 4}, "5 of 4 bands");
}

}  // namespace
}  // namespace lockstep
