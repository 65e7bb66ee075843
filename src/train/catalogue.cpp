#include "lockstep/train/catalogue.hpp"

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.hpp"
#include "train/catalogue/rows.hpp"

namespace lockstep {
namespace {

using config::Component;
using config::Settings;

template <typename Rows>
const auto& row_of(const Rows& rows, const Settings& settings) {
  const auto row = std::ranges::find_if(
      rows, [&](const auto& r) { return r.component.type == settings.type(); });
  if (row == rows.end()) {
    throw Error(ExitCode::internal,
                "no row for " + settings.section() + " '" + settings.type() + "'");
  }
  return *row;
}

template <typename Rows>
std::vector<Component> components_of(const Rows& rows) {
  std::vector<Component> components;
  for (const auto& row : rows) components.push_back(row.component);
  return components;
}

}  // namespace

const config::Catalogue& catalogue() {
  static const config::Catalogue all{components_of(layer_rows()), components_of(loss_rows()),
                                     components_of(optimizer_rows()),
                                     components_of(schedule_rows())};
  return all;
}

Network build_network(const config::Config& config, Shape input) {
  Network network(input);
  for (const Settings& s : config.layers) {
    try {
      network.add(row_of(layer_rows(), s).make(s), s.name());
    } catch (const Error& error) {
      throw error.code() == ExitCode::config ? s.error("", error.what()) : error;
    }
  }
  return network;
}

std::unique_ptr<Loss> build_loss(const config::Config& config) {
  return row_of(loss_rows(), config.loss).make(config.loss);
}

std::unique_ptr<Optimizer> build_optimizer(const config::Config& config) {
  return row_of(optimizer_rows(), config.optimizer).make(config.optimizer);
}

double learning_rate_scale(const config::Config& config) {
  const Settings& s = config.optimizer;
  const std::string& rule = s.text("scale_lr");
  if (rule == "none") {
    if (s.has("base_batch")) throw s.error("base_batch", "'base_batch' needs 'scale_lr'");
    return 1;
  }
  if (!s.has("base_batch")) {
    throw s.error("scale_lr", "'scale_lr' needs 'base_batch', the batch for which lr was chosen");
  }
  const double ratio =
      static_cast<double>(config.data.batch) / static_cast<double>(s.integer("base_batch"));
  return rule == "sqrt" ? std::sqrt(ratio) : ratio;
}

LearningRate::LearningRate(const config::Config& config, Index steps_per_epoch,
                           std::uint64_t total_steps)
    : base_(config.optimizer.real("lr") * learning_rate_scale(config)) {
  const Settings& s = config.schedule;
  const config::Interval warmup = s.interval("warmup");
  warmup_ = warmup.value == 0 ? 0 : steps_of(warmup, steps_per_epoch);
  const std::uint64_t rest = total_steps > warmup_ ? total_steps - warmup_ : 1;
  schedule_ = row_of(schedule_rows(), s).make(s, {steps_per_epoch, rest, base_});
}

double LearningRate::at(std::uint64_t step) const {
  return learning_rate(*schedule_, base_, warmup_, step);
}

std::uint64_t steps_of(const config::Interval& interval, Index steps_per_epoch) {
  if (interval.unit == config::Interval::Unit::seconds) {
    throw Error(ExitCode::internal, "an interval of time is no number of steps");
  }
  const double per_unit =
      interval.unit == config::Interval::Unit::epochs ? static_cast<double>(steps_per_epoch) : 1.0;
  return std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::llround(interval.value * per_unit)));
}

}  // namespace lockstep
