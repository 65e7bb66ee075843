#pragma once

#include <span>
#include <vector>

// Figures of a scaling experiment, as pure functions: the same measurements give the same report.

namespace lockstep::cli {

/// A figure and the interval that holds it with 95 % confidence.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;

  bool operator==(const Estimate&) const = default;
};

/// The middle value; of an even number of values the mean of the two in the middle.
/// `values` must not be empty.
[[nodiscard]] double median(std::vector<double> values);

/// Median with the percentile bootstrap interval: that of the medians of samples drawn with
/// replacement, from a fixed seed. Of one value, the interval is that value.
/// Source: Efron 1979, "Bootstrap methods: another look at the jackknife".
[[nodiscard]] Estimate median_with_interval(std::span<const double> values);

/// median(numerator) / median(denominator), both drawn anew for the interval.
[[nodiscard]] Estimate ratio_with_interval(std::span<const double> numerator,
                                           std::span<const double> denominator);

/// Experimentally determined serial fraction of a fixed problem, (1 / S - 1 / p) / (1 - 1 / p), at
/// the speed-up S on p > 1 processors.
/// Source: Karp, Flatt 1990, "Measuring parallel processor performance".
[[nodiscard]] double karp_flatt(double speedup, double processors);

/// The same of a problem that grows with p, from S = s + (1 - s) p: s = (p - S) / (p - 1).
/// Source: Gustafson 1988, "Reevaluating Amdahl's law".
[[nodiscard]] double gustafson_fraction(double speedup, double processors);

/// One point of a curve: `processors` relative to the base, whose value is 1.
struct CurvePoint {
  double processors = 1;
  double value = 0;
};

/// A law with one serial fraction, fitted by least squares.
struct ScalingFit {
  double serial_fraction = 0;
  double base = 0;     ///< Amdahl: T1, seconds of a step at p = 1; Gustafson: 1
  double largest = 0;  ///< largest |fitted / measured - 1|
};

/// T(p) = T1 (s + (1 - s) / p) through step times; needs two different p.
[[nodiscard]] ScalingFit amdahl_fit(std::span<const CurvePoint> step_seconds);

/// S(p) = s + (1 - s) p through speed-ups; needs one p other than 1.
[[nodiscard]] ScalingFit gustafson_fit(std::span<const CurvePoint> speedups);

}  // namespace lockstep::cli
