#include "cli/scale/scaling_statistics.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <random>

namespace lockstep::cli {
namespace {

constexpr std::size_t kResamples = 2000;
constexpr std::uint32_t kSeed = 20251;

/// As many values as there are, drawn with replacement.
std::vector<double> resample(std::span<const double> values, std::mt19937& random) {
  std::vector<double> drawn(values.size());
  for (double& value : drawn) value = values[random() % values.size()];
  return drawn;
}

/// From the 2.5 % to the 97.5 % percentile of the figures of `kResamples` samples; never beside the
/// figure itself.
template <typename Figure>
Estimate with_interval(double value, const Figure& figure_of_sample) {
  std::mt19937 random(kSeed);
  std::vector<double> figures(kResamples);
  for (double& figure : figures) figure = figure_of_sample(random);
  std::ranges::sort(figures);
  constexpr std::size_t kTail = kResamples / 40;
  return {.value = value,
          .low = std::min(value, figures[kTail]),
          .high = std::max(value, figures[kResamples - 1 - kTail])};
}

/// Largest |fitted(p) / measured - 1|.
template <typename Law>
double largest_deviation(std::span<const CurvePoint> points, const Law& law) {
  double largest = 0;
  for (const CurvePoint& point : points) {
    largest = std::max(largest, std::abs(law(point.processors) / point.value - 1));
  }
  return largest;
}

}  // namespace

double median(std::vector<double> values) {
  assert(!values.empty());
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

Estimate median_with_interval(std::span<const double> values) {
  return with_interval(median({values.begin(), values.end()}),
                       [&](std::mt19937& random) { return median(resample(values, random)); });
}

Estimate ratio_with_interval(std::span<const double> numerator,
                             std::span<const double> denominator) {
  const double value = median({numerator.begin(), numerator.end()}) /
                       median({denominator.begin(), denominator.end()});
  return with_interval(value, [&](std::mt19937& random) {
    const double above = median(resample(numerator, random));
    return above / median(resample(denominator, random));
  });
}

double karp_flatt(double speedup, double processors) {
  assert(processors > 1);
  return (1 / speedup - 1 / processors) / (1 - 1 / processors);
}

double gustafson_fraction(double speedup, double processors) {
  assert(processors > 1);
  return (processors - speedup) / (processors - 1);
}

// With x = 1 / p the law is the straight line T = a + b x, where T1 = a + b and s = a / T1.
ScalingFit amdahl_fit(std::span<const CurvePoint> step_seconds) {
  const auto n = static_cast<double>(step_seconds.size());
  double mean_x = 0;
  double mean_t = 0;
  for (const CurvePoint& point : step_seconds) {
    mean_x += 1 / point.processors / n;
    mean_t += point.value / n;
  }
  double xx = 0;
  double xt = 0;
  for (const CurvePoint& point : step_seconds) {
    const double x = 1 / point.processors - mean_x;
    xx += x * x;
    xt += x * (point.value - mean_t);
  }
  assert(xx > 0);
  const double b = xt / xx;
  const double a = mean_t - b * mean_x;
  return {.serial_fraction = a / (a + b),
          .base = a + b,
          .largest = largest_deviation(step_seconds, [&](double p) { return a + b / p; })};
}

// With one unknown: S - p = s (1 - p).
ScalingFit gustafson_fit(std::span<const CurvePoint> speedups) {
  double xx = 0;
  double xy = 0;
  for (const CurvePoint& point : speedups) {
    const double x = 1 - point.processors;
    xx += x * x;
    xy += x * (point.value - point.processors);
  }
  assert(xx > 0);
  const double s = xy / xx;
  return {.serial_fraction = s, .base = 1, .largest = largest_deviation(speedups, [&](double p) {
                                             return s + (1 - s) * p;
                                           })};
}

}  // namespace lockstep::cli
