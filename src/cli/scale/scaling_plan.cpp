#include "cli/scale/scaling_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <random>

#include "cli/launch/mpirun.hpp"
#include "cli/text.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/setup/catalogue.hpp"
#include "lockstep/setup/setup.hpp"

namespace lockstep::cli {
namespace {

constexpr std::uint32_t kOrderSeed = 20252;
/// Nothing but the steps themselves happens in so many of them.
constexpr std::string_view kNever = "\"1000000000 steps\"";

Error usage(const std::string& message) { return {ExitCode::usage, message}; }

void check_counts(std::string_view option, const std::vector<int>& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (std::find(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(i), counts[i]) !=
        counts.begin() + static_cast<std::ptrdiff_t>(i)) {
      throw usage(fmt::format("{}: {} stands there twice; for more measurements use --repeat",
                              option, counts[i]));
    }
  }
}

/// The override that makes a run longer than the steps wanted: were its last step measured, an
/// evaluation would follow.
std::string longer_run(const config::Run& run, Index steps) {
  const Index more = steps + 1;
  // An epoch has at least one step.
  return run.steps ? fmt::format("run.steps={}", std::max(*run.steps, more))
                   : fmt::format("run.epochs={}", std::max(*run.epochs, more));
}

/// The microbatches of all points, so that they compute the same bits; in weak mode those of one
/// rank.
Index microbatches_for(const config::Config& config, const ScalingRequest& request) {
  const Index given = config.parallel.microbatches;
  const Index batch = config.data.batch;
  if (request.mode == ScalingMode::weak) return choose_microbatches(given, batch, 1);
  const int most = *std::ranges::max_element(request.ranks);
  const auto possible =
      given != 0 ? given : static_cast<Index>(std::bit_floor(static_cast<std::size_t>(batch)));
  if (most > possible) {
    throw usage(fmt::format(
        "--ranks {}: every batch of {} samples is cut into at most {} microbatches, and a rank "
        "computes at least one\n  try: --ranks up to {}, or --set {}={}",
        most, batch, possible, possible, given != 0 ? "parallel.microbatches" : "data.batch",
        std::bit_ceil(static_cast<unsigned>(most))));
  }
  return choose_microbatches(given, batch, most);
}

std::vector<ScalingPoint> points_of(const ScalingRequest& request) {
  std::vector<ScalingPoint> points;
  for (const int ranks : request.ranks) {
    for (const int threads : request.threads) points.push_back({ranks, threads});
  }
  std::ranges::sort(points, [](const ScalingPoint& a, const ScalingPoint& b) {
    return std::pair(a.processors(), a.ranks) < std::pair(b.processors(), b.ranks);
  });
  return points;
}

}  // namespace

std::string point_text(const ScalingPoint& point) {
  return fmt::format("{} x {}", point.ranks, point.threads);
}

std::string ScalingRun::name() const {
  return fmt::format("np{}-t{}-{}", point.ranks, point.threads, repeat);
}

Index ScalingPlan::batch_of(const ScalingPoint& point) const {
  return request.mode == ScalingMode::weak ? batch * point.ranks : batch;
}

Index ScalingPlan::microbatches_of(const ScalingPoint& point) const {
  return request.mode == ScalingMode::weak ? microbatches * point.ranks : microbatches;
}

double ScalingPlan::load_of(const ScalingPoint& point) const {
  return static_cast<double>(point.processors()) / processors.usable;
}

bool ScalingPlan::binds(const ScalingPoint& point) const {
  return point.processors() <= processors.bindable;
}

std::vector<ScalingRun> interleaved(const std::vector<ScalingPoint>& points, int repeats) {
  std::mt19937 random(kOrderSeed);
  std::vector<ScalingRun> runs;
  for (int repeat = 1; repeat <= repeats; ++repeat) {
    std::vector<ScalingPoint> order = points;
    for (std::size_t left = order.size(); left > 1; --left) {
      std::swap(order[left - 1], order[random() % left]);
    }
    for (const ScalingPoint& point : order) runs.push_back({point, repeat});
  }
  return runs;
}

ScalingPlan plan_scaling(const ScalingRequest& request) {
  check_counts("--ranks", request.ranks);
  check_counts("--threads", request.threads);
  std::vector<config::Override> overrides;
  for (const std::string& assignment : request.assignments) overrides.push_back({assignment});
  const config::Config config =
      config::parse(config::read_source(request.config_file), overrides, catalogue());
  ScalingPlan plan{.request = request,
                   .name = config.run.name,
                   .batch = config.data.batch,
                   .microbatches = microbatches_for(config, request),
                   .length = longer_run(config.run, request.warmup + request.steps),
                   .processors = find_processors(),
                   .mpirun = find_mpirun(request.mpirun),
                   .trainer = this_program(),
                   .points = points_of(request)};
  plan.runs = interleaved(plan.points, request.repeats);
  return plan;
}

std::vector<std::string> command_of(const ScalingPlan& plan, const ScalingRun& run,
                                    const std::filesystem::path& directory) {
  const ScalingPoint& point = run.point;
  std::vector<std::string> line = {plan.mpirun, "-np", std::to_string(point.ranks)};
  const std::vector<std::string> place = binding_words(point.threads, plan.binds(point));
  line.insert(line.end(), place.begin(), place.end());
  for (const std::string& word :
       {plan.trainer, std::string("train"), plan.request.config_file, std::string("--run-dir"),
        directory.string(), std::string("--max-steps"), std::to_string(plan.steps()),
        std::string("--threads"), std::to_string(point.threads)}) {
    line.push_back(word);
  }
  std::vector<std::string> assignments = plan.request.assignments;
  for (const std::string& own :
       {plan.length, fmt::format("data.batch={}", plan.batch_of(point)),
        fmt::format("parallel.microbatches={}", plan.microbatches_of(point)),
        std::string("log.every=\"1 steps\""), fmt::format("eval.every={}", kNever),
        fmt::format("checkpoint.every={}", kNever), std::string("checkpoint.best=none"),
        std::string("stop.gradient_norm=0.0")}) {
    assignments.push_back(own);
  }
  for (const std::string& assignment : assignments) {
    line.emplace_back("--set");
    line.push_back(assignment);
  }
  return line;
}

}  // namespace lockstep::cli
