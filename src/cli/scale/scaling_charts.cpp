#include "cli/scale/scaling_charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "cli/text.hpp"

namespace lockstep::cli {
namespace {

// Units of the view box of a line chart.
constexpr double kWidth = 460;
constexpr double kHeight = 320;
constexpr double kLeft = 66;
constexpr double kRight = 446;
constexpr double kTop = 14;
constexpr double kBottom = 268;
constexpr double kLabelDistance = 24;  ///< labels of an axis nearer than this would overlap

/// A value axis: where a value lies between two ends of the chart.
struct Axis {
  double low = 0;
  double high = 1;
  double from = 0;
  double to = 1;
  bool logarithmic = false;

  [[nodiscard]] double at(double value) const {
    const auto scale = [this](double v) { return logarithmic ? std::log2(v) : v; };
    return from + (to - from) * (scale(value) - scale(low)) / (scale(high) - scale(low));
  }
  [[nodiscard]] bool holds(double value) const { return value >= low && value <= high; }
};

/// An axis of powers of two with some room beside its ends.
Axis logarithmic_axis(double low, double high, double from, double to) {
  const double room = std::exp2(0.08 * std::max(1.0, std::log2(high / low)));
  return {.low = low / room, .high = high * room, .from = from, .to = to, .logarithmic = true};
}

std::set<int> processors_of(const ScalingReport& report) {
  std::set<int> counts;
  for (const PointFigures& figures : report.points) counts.insert(figures.point.processors());
  return counts;
}

std::vector<int> threads_of(const ScalingReport& report) {
  std::set<int> counts;
  for (const PointFigures& figures : report.points) counts.insert(figures.point.threads);
  return {counts.begin(), counts.end()};
}

Axis processors_axis(const ScalingReport& report) {
  const std::set<int> counts = processors_of(report);
  return logarithmic_axis(*counts.begin(), *counts.rbegin(), kLeft, kRight);
}

std::string tick_text(double value) { return fmt::format("{:.3g}", value); }

std::string text_at(double x, double y, std::string_view anchor, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     text);
}

std::string line_between(std::string_view kind, double x1, double y1, double x2, double y2) {
  return fmt::format(
      "<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kind, x1,
      y1, x2, y2);
}

/// The frame of a line chart: ticks, grid and the names of both axes.
std::string frame(const ScalingReport& report, const Axis& x, const Axis& y,
                  const std::vector<double>& ticks, const std::string& y_name) {
  std::string svg;
  for (const double tick : ticks) {
    const std::string unit = y.logarithmic ? "" : " %";
    svg += line_between("grid", kLeft, y.at(tick), kRight, y.at(tick));
    svg += text_at(kLeft - 6, y.at(tick) + 4, "end", tick_text(tick) + unit);
  }
  double last = -std::numeric_limits<double>::infinity();
  for (const int count : processors_of(report)) {
    svg += line_between("axis", x.at(count), kBottom, x.at(count), kBottom + 4);
    if (x.at(count) - last < kLabelDistance) continue;
    last = x.at(count);
    svg += text_at(last, kBottom + 18, "middle", std::to_string(count));
  }
  svg += line_between("axis", kLeft, kBottom, kRight, kBottom);
  svg += text_at((kLeft + kRight) / 2, kBottom + 40, "middle",
                 "processors asked for: ranks × threads");
  const double middle = (kTop + kBottom) / 2;
  return svg + fmt::format(
                   "<text x=\"12\" y=\"{0:.1f}\" text-anchor=\"middle\" transform=\"rotate(-90 "
                   "12 {0:.1f})\">{1}</text>\n",
                   middle, y_name);
}

std::string svg_of(const std::string& name, const std::string& content) {
  return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n",
                     kWidth, kHeight, name, content);
}

/// 0 for the fewest threads per rank.
std::size_t series_of(const std::vector<int>& threads, const PointFigures& figures) {
  return static_cast<std::size_t>(std::ranges::find(threads, figures.point.threads) -
                                  threads.begin());
}

/// Marker and error bar of one point; lines of equal x are set side by side.
std::string marker(const PointFigures& figures, const Estimate& value, double x, const Axis& y,
                   std::size_t series) {
  const std::string tip = fmt::format("{}: {:.3f} ({:.3f} to {:.3f})", point_text(figures.point),
                                      value.value, value.low, value.high);
  const double factor = y.logarithmic ? 1 : 100;
  const double low = y.at(factor * value.low);
  const double high = y.at(factor * value.high);
  std::string svg =
      fmt::format("<g class=\"series s{}\"><title>{}</title>\n", series % kLineColours, tip);
  if (low - high > 1) {
    svg += line_between("error", x, low, x, high);
    for (const double end : {low, high}) svg += line_between("error", x - 4, end, x + 4, end);
  }
  return svg + fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"/></g>\n",
                           figures.honest() ? "solid" : "hollow", x, y.at(factor * value.value));
}

/// Lines and markers of all points for which `value_of` gives one.
template <typename ValueOf>
std::string curves(const ScalingReport& report, const Axis& x, const Axis& y,
                   const ValueOf& value_of) {
  const std::vector<int> threads = threads_of(report);
  std::string lines;
  std::string markers;
  for (std::size_t series = 0; series < threads.size(); ++series) {
    const double aside =
        6 * (static_cast<double>(series) - (static_cast<double>(threads.size()) - 1) / 2);
    std::string path;
    for (const PointFigures& figures : report.points) {
      const std::optional<Estimate> value = value_of(figures);
      if (series_of(threads, figures) != series || !value) continue;
      const double at = x.at(figures.point.processors()) + aside;
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : " L", at,
                          y.at((y.logarithmic ? 1 : 100) * value->value));
      markers += marker(figures, *value, at, y, series);
    }
    lines +=
        fmt::format("<path class=\"series s{} line\" d=\"{}\"/>\n", series % kLineColours, path);
  }
  return lines + markers;
}

/// The most that so many processors asked for can give on those that are there.
double ideal(const ScalingReport& report, double processors) {
  const double base = report.points.front().point.processors();
  return std::max(1.0, std::min(processors, static_cast<double>(report.processors)) / base);
}

/// 1, 1.5, 2, 3, 4, ...; without the halves where these would crowd the axis.
std::vector<double> doubling_ticks(const Axis& axis) {
  std::vector<double> ticks;
  const bool halves = std::log2(axis.high / axis.low) < 2.5;
  for (double power = std::exp2(std::floor(std::log2(axis.low))); power <= axis.high; power *= 2) {
    for (const double tick : {power, 1.5 * power}) {
      if (axis.holds(tick) && (halves || tick == power)) ticks.push_back(tick);
    }
  }
  return ticks;
}

}  // namespace

std::string speedup_chart(const ScalingReport& report) {
  if (report.points.empty()) return {};
  const Axis x = processors_axis(report);
  const std::set<int> counts = processors_of(report);
  double low = 1;
  double high = ideal(report, *counts.rbegin());
  for (const PointFigures& figures : report.points) {
    low = std::min(low, figures.speedup.low);
    high = std::max(high, figures.speedup.high);
  }
  const Axis y = logarithmic_axis(low, high, kBottom, kTop);
  std::string svg = frame(report, x, y, doubling_ticks(y), "speed-up over " + base_text(report));
  const double first = *counts.begin();
  const double last = *counts.rbegin();
  const double bend = std::clamp(static_cast<double>(report.processors), first, last);
  svg += fmt::format("<path class=\"ideal\" d=\"M{:.1f} {:.1f} L{:.1f} {:.1f} L{:.1f} {:.1f}\"/>\n",
                     x.at(first), y.at(ideal(report, first)), x.at(bend), y.at(ideal(report, bend)),
                     x.at(last), y.at(ideal(report, last)));
  svg += curves(report, x, y, [](const PointFigures& f) { return std::optional(f.speedup); });
  return svg_of("Speed-up against processors", svg);
}

std::string efficiency_chart(const ScalingReport& report) {
  if (report.points.empty()) return {};
  const Axis x = processors_axis(report);
  double high = 100;
  for (const PointFigures& figures : report.points) {
    if (figures.efficiency) high = std::max(high, 100 * figures.efficiency->high);
  }
  const Axis y{.low = 0, .high = 1.05 * high, .from = kBottom, .to = kTop};
  std::vector<double> ticks;
  for (double tick = 0; tick <= y.high; tick += high > 200 ? 100 : 25) ticks.push_back(tick);
  std::string svg = frame(report, x, y, ticks, "efficiency");
  svg += line_between("ideal", kLeft, y.at(100), kRight, y.at(100));
  svg += curves(report, x, y, [](const PointFigures& f) { return f.efficiency; });
  return svg_of("Efficiency against processors", svg);
}

}  // namespace lockstep::cli
