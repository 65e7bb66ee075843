#include "lockstep/run/metrics_log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

#include "run/metrics_line.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::ordered_json;

/// The version of the format.
struct Version {
  static constexpr int kVersion = 1;
  [[nodiscard]] static Json json() { return kVersion; }
  static Json schema() { return {{"const", kVersion}}; }
};

struct Status {
  std::string status;
  [[nodiscard]] Json json() const { return status; }
  static Json schema() { return {{"enum", {"done", "preempted", "failed"}}}; }
};

struct Best {
  BestMetric best;
  [[nodiscard]] Json json() const {
    return {{"metric", best.metric}, {"value", best.value}, {"step", best.step}};
  }
  static Json schema() {
    return {{"type", "object"},
            {"properties",
             {{"metric", {{"$ref", "#/$defs/text"}}},
              {"value", {{"$ref", "#/$defs/number"}}},
              {"step", {{"$ref", "#/$defs/count"}}}}},
            {"required", {"metric", "value", "step"}},
            {"additionalProperties", false}};
  }
};

/// One rank of the event.
struct RankOfEvent {
  const TimesEvent& event;
  const RankTimes& rank;
};

std::optional<std::string> if_any(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

const MetricsLine<RunStart>& run_line() {
  static const auto line =
      MetricsLine<RunStart>("run", "Written at each start, before the first step.")
          .field(
              "v", [](const RunStart&) { return Version{}; }, "Version of the format.")
          .field(
              "time",
              [](const RunStart&) {
                return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
              },
              "Universal time.")
          .field("segment", &RunStart::segment, "1 + the number of resumes.")
          .field("ranks", &RunStart::ranks, "Processes.")
          .field("threads", &RunStart::threads, "Of each rank.")
          .field(
              "params",
              [](const RunStart& start) {
                return start.network == nullptr ? Index{0} : start.network->parameters().count();
              },
              "Numbers that the network learns.")
          .field("batch", &RunStart::batch, "Samples of a step, over all ranks.")
          .field("microbatches", &RunStart::microbatches, "Pieces of the batch.")
          .field("seed", &RunStart::seed, "Of all that is random.")
          .field("steps_per_epoch", &RunStart::steps_per_epoch, "Steps of an epoch.")
          .field("total_steps", &RunStart::total_steps, "Steps of the whole run.");
  return line;
}

const MetricsLine<RunStart>& resume_line() {
  static const auto line =
      MetricsLine<RunStart>("resume",
                            "Follows the run line of each further segment: readers drop lines of "
                            "earlier segments with step > from_step.")
          .field("segment", &RunStart::segment, "1 + the number of resumes.")
          .field("from_step", &RunStart::first_step, "Steps done before.");
  return line;
}

const MetricsLine<StepEvent>& step_line() {
  static const auto line =
      MetricsLine<StepEvent>("step",
                             "One step, each log.every; times in seconds: step_s since the step "
                             "before, evaluations apart, which is the sum of the times behind it.")
          .field("step", &StepEvent::step, "Steps done.")
          .field("epoch", &StepEvent::epoch, "Epochs done.")
          .field("loss", &StepEvent::loss, "Mean over the batch.")
          .field("lr", &StepEvent::learning_rate, "Learning rate.")
          .field("grad_norm", &StepEvent::gradient_norm,
                 "Norm of the whole gradient, where it was computed.")
          .field("samples", &StepEvent::samples, "In the batch.")
          .field("step_s", &StepEvent::seconds, "Seconds since the step before.")
          .field(
              "samples_per_s",
              [](const StepEvent& step) {
                return step.seconds > 0 ? static_cast<double>(step.samples) / step.seconds : 0.0;
              },
              "Samples over step_s.")
          .times(&StepEvent::times);
  return line;
}

const MetricsLine<EpochEvent>& epoch_line() {
  static const auto line =
      MetricsLine<EpochEvent>("epoch",
                              "The end of an epoch; train_* and val_* are the figures of the loss.")
          .field("step", &EpochEvent::step, "Steps done.")
          .field("epoch", &EpochEvent::epoch, "From 1.")
          .field("steps", &EpochEvent::steps, "Of this epoch.")
          .metrics("train_", &EpochEvent::train, /*always=*/true, "Mean over the epoch so far.")
          .metrics("val_", &EpochEvent::val, /*always=*/false, "")
          .field("best", &EpochEvent::best, "Whether the validation was the best so far.")
          .field("lr", &EpochEvent::learning_rate, "Learning rate.")
          .field("samples_per_s", &EpochEvent::samples_per_second, "Of this segment's part of it.")
          .field("seconds", &EpochEvent::seconds, "Wall time, in seconds.");
  return line;
}

const MetricsLine<RankOfEvent>& rank_line() {
  static const auto line =
      MetricsLine<RankOfEvent>("rank",
                               "Where the time of one rank went over the last steps, in seconds; "
                               "the parts sum to seconds. waited_for: the rank that it slept "
                               "longest for.")
          .field(
              "step", [](const RankOfEvent& e) { return e.event.step; }, "Steps done.")
          .field(
              "steps", [](const RankOfEvent& e) { return e.event.steps; }, "That the times are of.")
          .field(
              "rank", [](const RankOfEvent& e) { return e.rank.rank; }, "From 0.")
          .field(
              "node", [](const RankOfEvent& e) { return e.rank.node; }, "Name of its machine.")
          .field(
              "seconds", [](const RankOfEvent& e) { return e.rank.times.total(); },
              "Sum of the times.")
          .times([](const RankOfEvent& e) { return e.rank.times; })
          .field(
              "waited_for",
              [](const RankOfEvent& e) {
                const int rank = e.rank.waited_for;
                return rank >= 0 ? std::optional(rank) : std::nullopt;
              },
              "The rank that it slept longest for.");
  return line;
}

const MetricsLine<EvalEvent>& eval_line() {
  static const auto line =
      MetricsLine<EvalEvent>("eval", "One evaluation, with the figures of the loss.")
          .field("step", &EvalEvent::step, "Steps done.")
          .field("epoch", &EvalEvent::epoch, "Epochs done.")
          .field("split", &EvalEvent::split, "val, or the data set given.")
          .field("samples", &EvalEvent::samples, "That were evaluated.")
          .metrics("", &EvalEvent::metrics, /*always=*/true, "Mean over the samples.")
          .field("seconds", &EvalEvent::seconds, "Wall time, in seconds.");
  return line;
}

const MetricsLine<CheckpointEvent>& checkpoint_line() {
  static const auto line =
      MetricsLine<CheckpointEvent>("checkpoint", "A complete checkpoint; digest of the state.")
          .field("step", &CheckpointEvent::step, "Steps done.")
          .field("file", &CheckpointEvent::file, "Its name.")
          .field("digest", &CheckpointEvent::digest, "Of the state.")
          .field("write_s", &CheckpointEvent::seconds, "Seconds that writing took.")
          .field("bytes", &CheckpointEvent::bytes, "Size of the file.");
  return line;
}

const MetricsLine<Milestone>& milestone_line() {
  static const auto line =
      MetricsLine<Milestone>("milestone",
                             "The training error fell below `error` for the first time.")
          .field("error", &Milestone::error, "Fraction of wrong answers.")
          .field("step", &Milestone::step, "The first step below it.")
          .field(
              "seconds",
              [](const Milestone& milestone) {
                const double seconds = milestone.seconds;
                return seconds >= 0 ? std::optional(seconds) : std::nullopt;
              },
              "Of training in this segment, unless it was reached in an earlier one.");
  return line;
}

const MetricsLine<RunEnd>& end_line() {
  static const auto line =
      MetricsLine<RunEnd>("end", "The end of a segment.")
          .field(
              "status", [](const RunEnd& end) { return Status{end.status}; }, "How it ended.")
          .field(
              "exit", [](const RunEnd& end) { return static_cast<int>(end.code); },
              "Exit code of the program.")
          .field(
              "reason", [](const RunEnd& end) { return if_any(end.reason); },
              "Why, unless all steps were done.")
          .field("step", &RunEnd::step, "Steps done.")
          .field("epochs", &RunEnd::epochs, "Complete ones.")
          .field("seconds", &RunEnd::seconds, "Of this segment.")
          .field("samples_per_s", &RunEnd::samples_per_second, "Of this segment's steps.")
          .field(
              "digest", [](const RunEnd& end) { return if_any(end.digest); },
              "Of the final state, if it was saved.")
          .field(
              "checkpoint", [](const RunEnd& end) { return if_any(end.checkpoint); },
              "The last one, relative to the directory of the run.")
          .field(
              "best",
              [](const RunEnd& end) {
                return end.best ? std::optional(Best{*end.best}) : std::nullopt;
              },
              "The best value of the metric that checkpoint.best names, and its step.");
  return line;
}

}  // namespace

std::string metrics_schema() {
  const Json schema = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"title", "One line of metrics.jsonl"},
      {"description", "A number that is NaN or infinite is null and named in nonfinite."},
      {"$defs",
       {{"count", {{"type", "integer"}, {"minimum", 0}}},
        {"number", {{"type", {"number", "null"}}}},
        {"text", {{"type", "string"}}},
        {"texts", {{"type", "array"}, {"items", {{"type", "string"}}}}}}},
      {"oneOf",
       {run_line().schema(), resume_line().schema(), step_line().schema(), epoch_line().schema(),
        rank_line().schema(), eval_line().schema(), checkpoint_line().schema(),
        milestone_line().schema(), end_line().schema()}}};
  return schema.dump(2) + "\n";
}

MetricsLog::MetricsLog(AppendedFile file, Warn warn)
    : file_(std::move(file)), warn_(std::move(warn)) {
  file_.drop_unfinished_line();
}

void MetricsLog::append(const std::string& line) {
  const auto [error, clean] = file_.append(line);
  if (error == 0 || std::exchange(warned_, true)) return;
  warn_(fmt::format("cannot write {}: {}; training goes on, lines of metrics are lost{}",
                    file_.path().string(), std::generic_category().message(error),
                    clean ? "" : " and one is broken"));
}

void MetricsLog::on_start(const RunStart& start) {
  append(run_line().text(start));
  if (start.segment > 1) append(resume_line().text(start));
}

void MetricsLog::on_step(const StepEvent& step) {
  if (step.logged) append(step_line().text(step));
}

void MetricsLog::on_epoch(const EpochEvent& epoch) { append(epoch_line().text(epoch)); }

void MetricsLog::on_times(const TimesEvent& event) {
  for (const RankTimes& rank : event.ranks) append(rank_line().text({event, rank}));
}

void MetricsLog::on_eval(const EvalEvent& eval) { append(eval_line().text(eval)); }

void MetricsLog::on_checkpoint(const CheckpointEvent& checkpoint) {
  append(checkpoint_line().text(checkpoint));
}

void MetricsLog::on_end(const RunEnd& end) {
  for (const Milestone& milestone : end.milestones) {
    if (milestone.step > 0) append(milestone_line().text(milestone));
  }
  append(end_line().text(end));
}

}  // namespace lockstep
