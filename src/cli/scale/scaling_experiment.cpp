#include "cli/scale/scaling_experiment.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <span>
#include <system_error>
#include <utility>

#include "cli/scale/scaling_table.hpp"
#include "cli/text.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/run/run_files.hpp"
#include "lockstep/run/version.hpp"

namespace lockstep::cli {
namespace {

/// The words of a run that failed, without those that mpirun adds between dashed lines.
std::string words_of(const ChildResult& result) {
  constexpr std::string_view kBlank = " \n";
  std::string words = result.err.substr(0, result.err.find("-----"));
  if (words.find_first_not_of(kBlank) == std::string::npos) words = result.err;
  if (words.find_first_not_of(kBlank) == std::string::npos) words = result.out;
  return words.substr(0, words.find_last_not_of(kBlank) + 1);
}

/// Errors: that of a run that did not make its steps.
void require_success(const ChildResult& result, const std::string& name, std::size_t kept,
                     const std::vector<std::string>& line) {
  const auto ends_with = [&](ExitCode code) { return result.code == static_cast<int>(code); };
  if (ends_with(ExitCode::ok) || ends_with(ExitCode::interrupted)) return;
  // A run leaves with one of our codes; any other is that of a launcher or a signal.
  const bool ours = result.code >= static_cast<int>(ExitCode::usage) &&
                    result.code <= static_cast<int>(ExitCode::desync);
  std::string command;
  for (const std::string& word : line) command += " " + shell_quoted(word);
  throw Error(ours ? static_cast<ExitCode>(result.code) : ExitCode::system,
              fmt::format("run {} failed with exit code {}{}; its words:\n{}\n  it was:{}", name,
                          result.code,
                          kept == 0 ? "" : fmt::format(", {} kept", plural(kept, "finished run")),
                          words_of(result), command));
}

std::string mode_text(ScalingMode mode) { return mode == ScalingMode::strong ? "strong" : "weak"; }

/// "64 samples in 8 microbatches".
std::string batch_text(const ScalingPlan& plan) {
  return fmt::format(
      "{} samples in {} microbatches{}", thousands(plan.batch), plan.microbatches,
      plan.request.mode == ScalingMode::strong ? ", on any number of ranks" : " for each rank");
}

std::string runs_text(const ScalingPlan& plan) {
  return fmt::format("{} x {} = {}, each {} steps of which {} are timed, in random order",
                     plural(plan.points.size(), "point"),
                     plural(static_cast<std::uint64_t>(plan.request.repeats), "repeat"),
                     plural(plan.runs.size(), "run"), plan.steps(), plan.request.steps);
}

/// Which points have a core for each thread, and are bound to it.
std::string binding_text(const ScalingPlan& plan) {
  std::string bound;
  for (const ScalingPoint& point : plan.points) {
    if (plan.binds(point)) bound += (bound.empty() ? "" : ", ") + point_text(point);
  }
  if (bound.empty()) return "no point is bound";
  return fmt::format("one core for each thread: {}; not bound: {}", bound,
                     plan.binds(plan.points.back()) ? "none" : "all others");
}

/// The machines of all runs, each once.
std::string machines_text(const std::vector<Measurement>& measurements) {
  std::vector<std::string> names;
  for (const Measurement& m : measurements) {
    if (std::ranges::find(names, m.machine) == names.end()) names.push_back(m.machine);
  }
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "; ") + name;
  return text;
}

}  // namespace

ScalingExperiment::ScalingExperiment(ScalingPlan plan, std::filesystem::path directory,
                                     std::string command, std::ostream& progress)
    : plan_(std::move(plan)),
      directory_(std::move(directory)),
      command_(std::move(command)),
      started_(std::time(nullptr)),
      progress_(progress) {}

int ScalingExperiment::run() {
  announce();
  StopSignals signals;
  for (const ScalingRun& next : plan_.runs) {
    if (!measure(next, signals)) break;
    write();
    tell();
  }
  return signals.received();
}

bool ScalingExperiment::measure(const ScalingRun& run, StopSignals& signals) {
  if (signals.received() != 0) return false;
  const std::filesystem::path place = directory_ / "runs" / run.name();
  const std::vector<std::string> line = command_of(plan_, run, place);
  const ChildResult result = run_child(line, signals);
  if (signals.received() != 0) return false;
  require_success(result, run.name(), measurements_.size(), line);
  measurements_.push_back(read_measurement(place, plan_, run));
  // Steps were measured, nothing was to be learned: checkpoints would only fill the disk.
  std::error_code ignored;
  std::filesystem::remove_all(place / kCheckpointFolder, ignored);
  return true;
}

void ScalingExperiment::announce() const {
  progress_ << fmt::format("{}  {} scaling of {} on {}\nruns   {}\nbatch  {}\nout    {}\n\n",
                           version_line(), mode_text(plan_.request.mode), plan_.request.config_file,
                           plural(static_cast<std::uint64_t>(plan_.processors.usable), "processor"),
                           runs_text(plan_), batch_text(plan_), directory_.string())
            << std::flush;
}

void ScalingExperiment::write() const {
  const ScalingReport report = this->report();
  const auto put = [&](const char* name, const std::string& text) {
    write_atomically(directory_ / name, std::as_bytes(std::span(text)));
  };
  put("scaling.jsonl", scaling_lines(measurements_));
  put("scaling.csv", scaling_csv(report));
  put("report.html", scaling_page({.name = plan_.name, .facts = facts(), .report = report}));
}

void ScalingExperiment::tell() const {
  const Measurement& last = measurements_.back();
  const std::string total = std::to_string(plan_.runs.size());
  progress_ << fmt::format("[{:>{}}/{}] np {}  step {} ms\n", measurements_.size(), total.size(),
                           total, point_text(last.run.point), milliseconds(last.step_seconds))
            << std::flush;
}

std::vector<PageFact> ScalingExperiment::facts() const {
  return {{"Configuration", plan_.request.config_file},
          {"Command", command_},
          {"Mode", mode_text(plan_.request.mode)},
          {"Runs", runs_text(plan_)},
          {"Batch", batch_text(plan_)},
          {"Machine", machines_text(measurements_)},
          {"Processors", fmt::format("{} usable by this process", plan_.processors.usable)},
          {"Binding", binding_text(plan_)},
          {"Started", fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(started_))},
          {"Version", version_text()}};
}

}  // namespace lockstep::cli
