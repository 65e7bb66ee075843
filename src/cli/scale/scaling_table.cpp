#include "cli/scale/scaling_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/text.hpp"

namespace lockstep::cli {
namespace {

using Json = nlohmann::ordered_json;

/// "52.10 (51.94 to 52.41)": the median and its interval, whose sides differ; without it after a
/// single run.
std::string step_text(const PointFigures& figures) {
  const Estimate& step = figures.step_seconds;
  const std::string value = milliseconds(step.value);
  if (figures.repeats < 2) return value;
  const std::size_t point = value.find('.');
  const std::size_t decimals = point == std::string::npos ? 0 : value.size() - point - 1;
  return fmt::format("{} ({:.{}f} to {:.{}f})", value, 1e3 * step.low, decimals, 1e3 * step.high,
                     decimals);
}

std::string share_text(double share) { return fmt::format("{:.0f} %", 100 * share); }

std::vector<std::string> cells_of(const PointFigures& f) {
  return {fmt::format("{}", f.point.ranks),
          fmt::format("{}", f.point.threads),
          fmt::format("{:.0f}", f.point.processors() / std::max(1.0, f.load)),
          step_text(f),
          thousands(static_cast<Index>(std::llround(f.samples_per_second))),
          fmt::format("{:.2f}", f.speedup.value),
          f.efficiency ? share_text(f.efficiency->value) : "-",
          f.serial_fraction ? fmt::format("{:.3f}", *f.serial_fraction) : "-",
          share_text(share_of(f.shares, Part::exposed)),
          share_text(share_of(f.shares, Part::wait)),
          note_text(f)};
}

std::string csv_cell(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : std::string();
}

Json json_of(const Estimate& estimate) {
  return {{"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}};
}

Json json_of(const PointFigures& f) {
  Json json = {{"ranks", f.point.ranks},
               {"threads", f.point.threads},
               {"oversubscribed", !f.honest()},
               {"repeats", f.repeats},
               {"batch", f.batch},
               {"step_s", json_of(f.step_seconds)},
               {"samples_per_s", f.samples_per_second},
               {"speedup", json_of(f.speedup)}};
  if (f.efficiency) json["efficiency"] = json_of(*f.efficiency);
  if (f.serial_fraction) json["serial_fraction"] = *f.serial_fraction;
  Json shares = Json::object();
  for (std::size_t i = 0; i < kPartRows.size(); ++i) {
    shares[std::string(kPartRows[i].name)] = f.shares[i];
  }
  json["shares"] = shares;
  return json;
}

Json json_of(const DigestGroup& group) {
  Json points = Json::array();
  for (const ScalingPoint& point : group.points) {
    points.push_back({{"ranks", point.ranks}, {"threads", point.threads}});
  }
  return {{"digest", group.digest}, {"runs", group.runs}, {"points", points}};
}

std::string line_of(const ScalingPoint& point, const std::string& path, double seconds) {
  const Json json = {{"params", {{"p", point.ranks}, {"t", point.threads}}},
                     {"callpath", path},
                     {"metric", "time"},
                     {"value", seconds}};
  return json.dump() + "\n";
}

}  // namespace

std::vector<std::vector<std::string>> scaling_cells(const ScalingReport& report) {
  std::vector<std::vector<std::string>> rows = {
      {"ranks", "thr", "cores", "step ms (95 %)", "samples/s", "speed-up", "effic.",
       report.mode == ScalingMode::strong ? "Karp-Flatt" : "serial", "exposed", "wait", "note"}};
  for (const PointFigures& figures : report.points) rows.push_back(cells_of(figures));
  return rows;
}

std::string scaling_table(const ScalingReport& report) {
  const auto rows = scaling_cells(report);
  std::vector<bool> left(rows.front().size(), false);
  left.back() = true;
  std::string text = table(rows, left);
  text +=
      fmt::format("digest after {}: {}\n", plural(static_cast<std::uint64_t>(report.steps), "step"),
                  digest_text(report));
  return text + fmt::format("fit    {}\n", fit_text(report));
}

std::string scaling_csv(const ScalingReport& report) {
  std::string text =
      "ranks,threads,oversubscribed,repeats,batch,step_s,step_s_low,step_s_high,samples_per_s,"
      "speedup,speedup_low,speedup_high,efficiency,serial_fraction";
  for (const PartRow& part : kPartRows) text += fmt::format(",{}_share", part.name);
  text += '\n';
  for (const PointFigures& f : report.points) {
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}", f.point.ranks, f.point.threads,
                        f.honest() ? "no" : "yes", f.repeats, f.batch, f.step_seconds.value,
                        f.step_seconds.low, f.step_seconds.high, f.samples_per_second,
                        f.speedup.value, f.speedup.low, f.speedup.high,
                        csv_cell(f.efficiency ? std::optional(f.efficiency->value) : std::nullopt),
                        csv_cell(f.serial_fraction));
    for (const double share : f.shares) text += fmt::format(",{}", share);
    text += '\n';
  }
  return text;
}

std::string scaling_lines(const std::vector<Measurement>& measurements) {
  std::string text;
  for (const Measurement& m : measurements) {
    text += line_of(m.run.point, "train->step", m.step_seconds);
    for (std::size_t i = 0; i < kPartRows.size(); ++i) {
      text += line_of(m.run.point, fmt::format("train->step->{}", kPartRows[i].name),
                      m.shares[i] * m.step_seconds);
    }
  }
  return text;
}

std::string scaling_json(const ScalingPlan& plan, const ScalingReport& report,
                         const std::string& directory) {
  Json points = Json::array();
  for (const PointFigures& figures : report.points) points.push_back(json_of(figures));
  Json digests = Json::array();
  for (const DigestGroup& group : report.digests) digests.push_back(json_of(group));
  Json json = {{"config", plan.request.config_file},
               {"mode", report.mode == ScalingMode::strong ? "strong" : "weak"},
               {"directory", directory},
               {"processors", report.processors},
               {"warmup", plan.request.warmup},
               {"steps", plan.request.steps},
               {"finished", report.finished},
               {"planned", report.planned},
               {"points", points},
               {"identical", report.identical()},
               {"digests", digests}};
  if (report.fit) {
    json["fit"] = {{"law", report.mode == ScalingMode::strong ? "Amdahl" : "Gustafson"},
                   {"serial_fraction", report.fit->serial_fraction},
                   {"base", report.fit->base},
                   {"largest_deviation", report.fit->largest}};
  } else {
    json["fit_refused"] = report.refused;
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lockstep::cli
