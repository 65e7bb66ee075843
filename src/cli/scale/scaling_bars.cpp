// The chart of step times and the legends: their places are shares of the width of the page and
// pixels, so that texts keep their size on any screen.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "cli/scale/scaling_charts.hpp"
#include "cli/text.hpp"

namespace lockstep::cli {
namespace {

// Pixels.
constexpr int kRow = 44;       ///< name above, bar below
constexpr int kBar = 20;       ///< height
constexpr int kBaseline = 14;  ///< of the name, from the top of its row
constexpr int kAxisRoom = 44;
constexpr double kMostTicks = 6;
/// Parts that fill less than this of every bar cannot be seen.
constexpr double kVisible = 0.0005;

bool is_visible(const ScalingReport& report, std::size_t part) {
  return std::ranges::any_of(report.points,
                             [&](const PointFigures& f) { return f.shares[part] > kVisible; });
}

/// 1, 2 or 5 times a power of ten, so that few enough steps reach `longest`.
double round_step(double longest) {
  const double least = longest / kMostTicks;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double step : {power, 2 * power, 5 * power}) {
    if (step >= least) return step;
  }
  return 10 * power;
}

std::string bar(const PointFigures& figures, double longest, int top) {
  const double milliseconds_per_step = 1e3 * figures.step_seconds.value;
  const std::string note = note_text(figures);
  std::string svg = fmt::format(
      "<text x=\"0\" y=\"{0}\">{1}{2}</text>"
      "<text x=\"100%\" y=\"{0}\" text-anchor=\"end\">{3} ms</text>\n",
      top + kBaseline, point_text(figures.point), note.empty() ? "" : " (" + note + ")",
      milliseconds(figures.step_seconds.value));
  double from = 0;
  for (std::size_t i = 0; i < kPartRows.size(); ++i) {
    const double width = 100 * figures.shares[i] * milliseconds_per_step / longest;
    if (width <= 0) continue;
    svg += fmt::format(
        "<rect class=\"part {}\" x=\"{:.3f}%\" y=\"{}\" width=\"{:.3f}%\" height=\"{}\"><title>{}: "
        "{} {} ms</title></rect>\n",
        kPartRows[i].name, from, top + kBaseline + 6, width, kBar, point_text(figures.point),
        kPartRows[i].name, milliseconds(figures.shares[i] * figures.step_seconds.value));
    from += width;
  }
  return svg;
}

}  // namespace

std::string time_chart(const ScalingReport& report) {
  if (report.points.empty()) return {};
  double longest = 0;
  for (const PointFigures& f : report.points) {
    longest = std::max(longest, 1e3 * f.step_seconds.value);
  }
  const int bottom = kRow * static_cast<int>(report.points.size()) + 4;
  std::string grid;
  const double step = round_step(longest);
  for (double tick = 0; tick <= longest; tick += step) {
    const double at = 100 * tick / longest;
    const std::string_view anchor = tick == 0 ? "start" : at > 97 ? "end" : "middle";
    grid += fmt::format(
        "<line class=\"grid\" x1=\"{0:.3f}%\" y1=\"0\" x2=\"{0:.3f}%\" y2=\"{1}\"/>"
        "<text x=\"{0:.3f}%\" y=\"{2}\" text-anchor=\"{3}\">{4:g}</text>\n",
        at, bottom, bottom + 16, anchor, tick);
  }
  std::string bars;
  int top = 0;
  for (const PointFigures& figures : report.points) {
    bars += bar(figures, longest, top);
    top += kRow;
  }
  return fmt::format(
      "<svg class=\"bars\" height=\"{}\" role=\"img\" aria-label=\"Time of a step by part\">\n"
      "{}{}<text x=\"50%\" y=\"{}\" text-anchor=\"middle\">milliseconds of a step</text>\n</svg>\n",
      bottom + kAxisRoom, grid, bars, bottom + 36);
}

std::string time_legend(const ScalingReport& report) {
  std::string items;
  for (std::size_t i = 0; i < kPartRows.size(); ++i) {
    if (!is_visible(report, i)) continue;
    items += fmt::format("<li><i class=\"part {0}\"></i>{0}</li>\n", kPartRows[i].name);
  }
  return "<ul class=\"legend\">\n" + items + "</ul>\n";
}

std::string line_legend(const ScalingReport& report) {
  std::set<int> threads;
  bool hollow = false;
  for (const PointFigures& figures : report.points) {
    threads.insert(figures.point.threads);
    hollow = hollow || !figures.honest();
  }
  std::string items;
  int series = 0;
  for (const int count : threads) {
    items +=
        fmt::format("<li><i class=\"dot series s{}\"></i>{} per rank</li>\n",
                    series++ % kLineColours, plural(static_cast<std::uint64_t>(count), "thread"));
  }
  if (hollow) items += "<li><i class=\"dot ring\"></i>oversubscribed</li>\n";
  items += fmt::format("<li><i class=\"dash\"></i>ideal on {}</li>\n",
                       plural(static_cast<std::uint64_t>(report.processors), "processor"));
  return "<ul class=\"legend\">\n" + items +
         "<li><i class=\"whisker\"></i>95 % bootstrap interval</li>\n</ul>\n";
}

}  // namespace lockstep::cli
