#include "lockstep/run/metrics_log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "lockstep/base/printable.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMetricsVersion = 1;

/// One line under construction.
class Line {
 public:
  explicit Line(const char* type) : json_{{"t", type}} {}

  /// A number whose value may be NaN or infinite: JSON cannot say so, a list beside it does.
  Line& number(const std::string& key, double value) {
    if (!std::isfinite(value)) nonfinite_.push_back(key);
    json_[key] = value;  // written as null if it is not finite
    return *this;
  }
  template <typename T>
  Line& set(const std::string& key, const T& value) {
    json_[key] = value;
    return *this;
  }
  Line& metrics(const std::string& prefix, std::span<const Metric> metrics) {
    for (const Metric& metric : metrics) number(prefix + metric.name, metric.value);
    return *this;
  }
  Line& times(const StepTimes& times) {
    for (std::size_t i = 0; i < kPartNames.size(); ++i) {
      number(std::string(kPartNames[i]) + "_s", times.seconds[i]);
    }
    return *this;
  }
  Line& text_if_any(const std::string& key, const std::string& text) {
    return text.empty() ? *this : set(key, text);
  }

  [[nodiscard]] std::string text() {
    if (!nonfinite_.empty()) json_["nonfinite"] = nonfinite_;
    return printable_json(json_.dump(-1, ' ', false, Json::error_handler_t::replace)) + "\n";
  }

 private:
  Json json_;
  std::vector<std::string> nonfinite_;
};

}  // namespace

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
  Line line("run");
  line.set("v", kMetricsVersion)
      .set("time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))))
      .set("segment", start.segment)
      .set("ranks", start.ranks)
      .set("threads", start.threads)
      .set("params", start.network == nullptr ? 0 : start.network->parameters().count())
      .set("batch", start.batch)
      .set("microbatches", start.microbatches)
      .set("seed", start.seed)
      .set("steps_per_epoch", start.steps_per_epoch)
      .set("total_steps", start.total_steps);
  append(line.text());
  if (start.segment <= 1) return;
  append(Line("resume").set("segment", start.segment).set("from_step", start.first_step).text());
}

void MetricsLog::on_step(const StepEvent& step) {
  if (!step.logged) return;
  Line line("step");
  line.set("step", step.step)
      .number("epoch", step.epoch)
      .number("loss", step.loss)
      .number("lr", step.learning_rate);
  if (step.gradient_norm) line.number("grad_norm", *step.gradient_norm);
  line.set("samples", step.samples)
      .number("step_s", step.seconds)
      .number("samples_per_s",
              step.seconds > 0 ? static_cast<double>(step.samples) / step.seconds : 0);
  line.times(step.times);
  append(line.text());
}

void MetricsLog::on_epoch(const EpochEvent& epoch) {
  Line line("epoch");
  line.set("step", epoch.step)
      .set("epoch", epoch.epoch)
      .set("steps", epoch.steps)
      .metrics("train_", epoch.train)
      .metrics("val_", epoch.val)
      .set("best", epoch.best)
      .number("lr", epoch.learning_rate)
      .number("samples_per_s", epoch.samples_per_second)
      .number("seconds", epoch.seconds);
  append(line.text());
}

void MetricsLog::on_times(const TimesEvent& event) {
  for (const RankTimes& rank : event.ranks) {
    Line line("rank");
    line.set("step", event.step)
        .set("steps", event.steps)
        .set("rank", rank.rank)
        .set("node", rank.node)
        .number("seconds", rank.times.total());
    line.times(rank.times);
    if (rank.waited_for >= 0) line.set("waited_for", rank.waited_for);
    append(line.text());
  }
}

void MetricsLog::on_eval(const EvalEvent& eval) {
  Line line("eval");
  line.set("step", eval.step)
      .number("epoch", eval.epoch)
      .set("split", eval.split)
      .set("samples", eval.samples)
      .metrics("", eval.metrics)
      .number("seconds", eval.seconds);
  append(line.text());
}

void MetricsLog::on_checkpoint(const CheckpointEvent& checkpoint) {
  Line line("checkpoint");
  line.set("step", checkpoint.step)
      .set("file", checkpoint.file)
      .set("digest", checkpoint.digest)
      .number("write_s", checkpoint.seconds)
      .set("bytes", checkpoint.bytes);
  append(line.text());
}

void MetricsLog::on_end(const RunEnd& end) {
  for (const Milestone& milestone : end.milestones) {
    if (milestone.step == 0) continue;
    Line line("milestone");
    line.number("error", milestone.error).set("step", milestone.step);
    if (milestone.seconds >= 0) line.number("seconds", milestone.seconds);
    append(line.text());
  }
  Line line("end");
  line.set("status", end.status)
      .set("exit", static_cast<int>(end.code))
      .text_if_any("reason", end.reason)
      .set("step", end.step)
      .set("epochs", end.epochs)
      .number("seconds", end.seconds)
      .number("samples_per_s", end.samples_per_second)
      .text_if_any("digest", end.digest)
      .text_if_any("checkpoint", end.checkpoint);
  if (end.best) {
    line.set(
        "best",
        Json{{"metric", end.best->metric}, {"value", end.best->value}, {"step", end.best->step}});
  }
  append(line.text());
}

}  // namespace lockstep
