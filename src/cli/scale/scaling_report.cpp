#include "cli/scale/scaling_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/text.hpp"

namespace lockstep::cli {
namespace {

constexpr std::size_t kPointsForFit = 3;

std::vector<double> seconds_of(const std::vector<const Measurement*>& runs) {
  std::vector<double> seconds;
  for (const Measurement* run : runs) seconds.push_back(run->step_seconds);
  return seconds;
}

StepShares mean_shares(const std::vector<const Measurement*>& runs) {
  StepShares mean{};
  for (const Measurement* run : runs) {
    for (std::size_t i = 0; i < mean.size(); ++i) {
      mean[i] += run->shares[i] / static_cast<double>(runs.size());
    }
  }
  return mean;
}

Estimate scaled(const Estimate& estimate, double factor) {
  return {estimate.value * factor, estimate.low * factor, estimate.high * factor};
}

/// Everything that needs no other point.
PointFigures figures_of(const ScalingPlan& plan, const ScalingPoint& point,
                        const std::vector<const Measurement*>& runs) {
  PointFigures figures{.point = point,
                       .repeats = static_cast<int>(runs.size()),
                       .batch = plan.batch_of(point),
                       .load = plan.load_of(point),
                       .step_seconds = median_with_interval(seconds_of(runs)),
                       .shares = mean_shares(runs)};
  figures.samples_per_second = static_cast<double>(figures.batch) / figures.step_seconds.value;
  return figures;
}

/// Speed-up and what follows from it. `base` and `own` are the step times of the runs.
void compare(const PointFigures& first, const std::vector<double>& base,
             const std::vector<double>& own, PointFigures& figures) {
  const bool is_base = figures.point == first.point;
  const double work = static_cast<double>(figures.batch) / static_cast<double>(first.batch);
  figures.speedup = is_base ? Estimate{1, 1, 1} : scaled(ratio_with_interval(base, own), work);
  if (!figures.honest()) return;
  const double p = static_cast<double>(figures.point.processors()) / first.point.processors();
  figures.efficiency = scaled(figures.speedup, 1 / p);
  if (p <= 1) return;
  // A fixed problem is Amdahl's case, one that grows with p Gustafson's; in between lies no law.
  if (work == 1) figures.serial_fraction = karp_flatt(figures.speedup.value, p);
  if (work == p) figures.serial_fraction = gustafson_fraction(figures.speedup.value, p);
}

void add_digest(const ScalingPlan& plan, const Measurement& run, std::vector<DigestGroup>& groups) {
  const ScalingPoint& point = run.run.point;
  const int ranks = plan.request.mode == ScalingMode::weak ? point.ranks : 0;
  auto group = std::ranges::find_if(
      groups, [&](const DigestGroup& g) { return g.digest == run.digest && g.ranks == ranks; });
  if (group == groups.end()) group = groups.insert(group, {.digest = run.digest, .ranks = ranks});
  ++group->runs;
  const bool known = std::ranges::find(group->points, point) != group->points.end();
  if (!known) group->points.push_back(point);
}

/// The points through which a law may be laid. With a batch that grows with the ranks alone, only
/// those of equal threads have equal work for each processor.
std::vector<const PointFigures*> points_for_fit(const ScalingReport& report) {
  std::vector<const PointFigures*> points;
  for (const PointFigures& figures : report.points) {
    const bool comparable = report.mode == ScalingMode::strong ||
                            figures.point.threads == report.points.front().point.threads;
    if (figures.honest() && comparable) points.push_back(&figures);
  }
  return points;
}

void add_fit(ScalingReport& report) {
  const std::vector<const PointFigures*> points = points_for_fit(report);
  std::set<int> sizes;
  std::vector<CurvePoint> curve;
  for (const PointFigures* figures : points) {
    const int processors = figures->point.processors();
    sizes.insert(processors);
    curve.push_back({static_cast<double>(processors) / report.points.front().point.processors(),
                     report.mode == ScalingMode::strong ? figures->step_seconds.value
                                                        : figures->speedup.value});
  }
  if (sizes.size() >= kPointsForFit) {
    report.fit = report.mode == ScalingMode::strong ? amdahl_fit(curve) : gustafson_fit(curve);
    return;
  }
  report.refused = fmt::format(
      "{} without oversubscription{}, at least {} needed", plural(points.size(), "point"),
      sizes.size() < points.size() ? fmt::format(" on {} numbers of processors", sizes.size())
                                   : std::string(),
      kPointsForFit);
}

std::string points_text(const std::vector<ScalingPoint>& points) {
  std::string text;
  for (const ScalingPoint& point : points) text += (text.empty() ? "" : ", ") + point_text(point);
  return text;
}

}  // namespace

bool ScalingReport::identical() const {
  std::set<int> ranks;
  return std::ranges::all_of(digests,
                             [&](const DigestGroup& g) { return ranks.insert(g.ranks).second; });
}

ScalingReport report_on(const ScalingPlan& plan, const std::vector<Measurement>& measurements) {
  ScalingReport report{.mode = plan.request.mode,
                       .steps = plan.steps(),
                       .processors = plan.processors.usable,
                       .finished = static_cast<int>(measurements.size()),
                       .planned = static_cast<int>(plan.runs.size())};
  std::vector<double> base;
  for (const ScalingPoint& point : plan.points) {
    std::vector<const Measurement*> runs;
    for (const Measurement& measurement : measurements) {
      if (measurement.run.point == point) runs.push_back(&measurement);
    }
    if (runs.empty()) continue;
    report.points.push_back(figures_of(plan, point, runs));
    const std::vector<double> own = seconds_of(runs);
    if (base.empty()) base = own;
    compare(report.points.front(), base, own, report.points.back());
  }
  for (const Measurement& measurement : measurements) {
    add_digest(plan, measurement, report.digests);
  }
  add_fit(report);
  return report;
}

std::string base_text(const ScalingReport& report) {
  return report.points.empty() ? "-" : point_text(report.points.front().point);
}

std::string digest_text(const ScalingReport& report) {
  if (report.digests.empty()) return "none: no run is finished";
  const std::string runs =
      report.finished == 1 ? "the only run" : fmt::format("all {} runs", report.finished);
  std::string text = !report.identical()                  ? "NOT IDENTICAL"
                     : report.mode == ScalingMode::strong ? "identical in " + runs
                                                          : "identical in all runs of equal ranks";
  if (report.identical() && report.mode == ScalingMode::strong) {
    return text + fmt::format(" ({})", report.digests.front().digest);
  }
  for (const DigestGroup& group : report.digests) {
    text += fmt::format("\n         {}  {}  {}", group.digest,
                        plural(static_cast<std::uint64_t>(group.runs), "run"),
                        points_text(group.points));
  }
  return text;
}

std::string fit_text(const ScalingReport& report) {
  if (!report.fit) return "refused: " + report.refused;
  const double s = report.fit->serial_fraction;
  const std::string off = fmt::format("off by at most {:.1f} %", 100 * report.fit->largest);
  const int base = report.points.front().point.processors();
  const std::string p = base == 1 ? "" : fmt::format(", p = processors / {}", base);
  if (report.mode == ScalingMode::weak) {
    return fmt::format("Gustafson: S(p) = {:.4f} + {:.4f} p{}; {}", s, 1 - s, p, off);
  }
  return fmt::format("Amdahl: T(p) = {} ms ({:.4f} + {:.4f} / p){}; {}",
                     milliseconds(report.fit->base), s, 1 - s, p, off);
}

std::string note_text(const PointFigures& point) {
  return point.honest() ? "" : fmt::format("oversubscribed {:.3g}x", point.load);
}

std::string milliseconds(double seconds) {
  const double value = 1e3 * seconds;
  const int decimals = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : value >= 1 ? 3 : 4;
  return fmt::format("{:.{}f}", value, decimals);
}

}  // namespace lockstep::cli
