#include "cli/scale/scaling_measurement.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/scale/scaling_statistics.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/run/run_files.hpp"

namespace lockstep::cli {
namespace {

using Json = nlohmann::ordered_json;

/// The seconds of the timed steps, and how they are spent.
struct TimedSteps {
  Index lines = 0;  ///< steps in the file, timed or not
  std::vector<double> seconds{};
  StepShares part_seconds{};
  std::string digest{};
};

std::string text_of(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

double number_or_zero(const Json& line, const std::string& key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number() ? found->get<double>() : 0;
}

void add_step(const Json& line, const ScalingPlan& plan, const ScalingRun& run, TimedSteps& steps) {
  ++steps.lines;
  const bool warm = line.at("step").get<Index>() > plan.request.warmup;
  const bool full = line.at("samples").get<Index>() == plan.batch_of(run.point);
  if (!warm || !full) return;
  steps.seconds.push_back(line.at("step_s").get<double>());
  for (std::size_t i = 0; i < kPartRows.size(); ++i) {
    steps.part_seconds[i] += number_or_zero(line, std::string(kPartRows[i].name) + "_s");
  }
}

TimedSteps read_steps(const std::string& text, const ScalingPlan& plan, const ScalingRun& run) {
  TimedSteps steps;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line);
    const auto type = json.at("t").get<std::string>();
    if (type == "step") add_step(json, plan, run, steps);
    if (type == "end") steps.digest = json.at("digest").get<std::string>();
  }
  return steps;
}

void check(const TimedSteps& steps, const ScalingPlan& plan, const ScalingRun& run) {
  if (steps.lines < plan.steps()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{} of {} steps are there", steps.lines, plan.steps()));
  }
  if (!steps.seconds.empty()) return;
  throw Error(ExitCode::config,
              fmt::format("no timed step has a full batch of {} samples: the training data are "
                          "too few, or the steps\n  try: --set data.batch=N, or --steps N",
                          plan.batch_of(run.point)));
}

/// Parts over their sum; time that no part claims is "other".
StepShares shares_of(const TimedSteps& steps) {
  double total = 0;
  for (const double seconds : steps.seconds) total += seconds;
  StepShares shares{};
  if (total <= 0) return shares;
  constexpr auto other = static_cast<std::size_t>(Part::other);
  double claimed = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (i == other) continue;
    shares[i] = steps.part_seconds[i] / total;
    claimed += shares[i];
  }
  shares[other] = std::max(0.0, 1 - claimed);
  return shares;
}

std::string machine_of(const Json& manifest) {
  return fmt::format("{} on {}", manifest.at("cpu").get<std::string>(),
                     fmt::join(manifest.at("nodes").get<std::vector<std::string>>(), ", "));
}

}  // namespace

Measurement read_measurement(const std::filesystem::path& directory, const ScalingPlan& plan,
                             const ScalingRun& run) {
  const std::string metrics = text_of(directory / kMetricsFile);
  const std::string manifest = text_of(directory / kManifestFile);
  try {
    const TimedSteps steps = read_steps(metrics, plan, run);
    check(steps, plan, run);
    return {.run = run,
            .step_seconds = median(steps.seconds),
            .shares = shares_of(steps),
            .digest = steps.digest,
            .machine = machine_of(Json::parse(manifest))};
  } catch (const Json::exception& error) {
    throw Error(ExitCode::bad_data, fmt::format("{}: {}", directory.string(), error.what()));
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", directory.string(), error.what()));
  }
}

}  // namespace lockstep::cli
