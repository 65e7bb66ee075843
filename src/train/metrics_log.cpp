#include "lockstep/train/metrics_log.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace lockstep {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;

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
    return json_.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }

 private:
  Json json_;
  std::vector<std::string> nonfinite_;
};

std::string reason(int error_number) { return std::generic_category().message(error_number); }

/// The length of the file up to the end of its last finished line.
off_t finished_length(int descriptor) {
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return 0;
  std::array<char, 4096> block{};
  off_t end = info.st_size;
  while (end > 0) {
    const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(block.size()));
    const ssize_t count =
        ::pread(descriptor, block.data(), static_cast<std::size_t>(end - begin), begin);
    if (count != end - begin) return info.st_size;  // unreadable: leave it alone
    const std::string_view text(block.data(), static_cast<std::size_t>(count));
    const std::size_t last = text.rfind('\n');
    if (last != std::string_view::npos) return begin + static_cast<off_t>(last) + 1;
    end = begin;
  }
  return 0;
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& file, Warn warn)
    : file_(file),
      warn_(std::move(warn)),
      descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0 || ::ftruncate(descriptor_, finished_length(descriptor_)) != 0) {
    const int error_number = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    throw Error(ExitCode::cannot_create,
                fmt::format("cannot open {} for writing: {}", file.string(), reason(error_number)));
  }
}

MetricsLog::~MetricsLog() { ::close(descriptor_); }

void MetricsLog::append(const std::string& line) {
  const off_t length = ::lseek(descriptor_, 0, SEEK_END);
  const ssize_t count = ::write(descriptor_, line.data(), line.size());
  if (count == static_cast<ssize_t>(line.size())) return;
  const int error_number = count < 0 ? errno : ENOSPC;
  // Half a line would spoil the next one.
  const bool clean = count <= 0 || ::ftruncate(descriptor_, length) == 0;
  if (std::exchange(warned_, true)) return;
  warn_(fmt::format("cannot write {}: {}; training goes on, lines of metrics are lost{}",
                    file_.string(), reason(error_number), clean ? "" : " and one is broken"));
}

void MetricsLog::on_start(const RunStart& start) {
  Line line("run");
  line.set("v", kFormatVersion)
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
