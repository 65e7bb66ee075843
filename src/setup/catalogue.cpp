#include "lockstep/setup/catalogue.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "lockstep/base/error.hpp"
#include "setup/catalogue/block.hpp"
#include "setup/catalogue/rows.hpp"

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

// Blocks are named like layers.
std::vector<Component> layer_components() {
  std::vector<Component> components = components_of(layer_rows());
  for (Component block : components_of(block_rows())) {
    block.keys.push_back(repeat_key());
    components.push_back(std::move(block));
  }
  return components;
}

// The row of a block, or null for a layer.
const BlockRow* block_of(const Settings& s) {
  for (const BlockRow& row : block_rows()) {
    if (row.component.type == s.type()) return &row;
  }
  return nullptr;
}

// The values that `from` names, or the last one.
std::vector<Value> inputs_of(const Settings& s, Value last,
                             const std::map<std::string, Value, std::less<>>& values) {
  if (!s.has("from")) return {last};
  std::vector<Value> from;
  for (const std::string& name : s.texts("from")) from.push_back(values.at(name));
  if (from.size() > 1 && block_of(s) != nullptr) {
    throw s.error("from", "'" + s.type() + "' takes 1 input, has " + std::to_string(from.size()));
  }
  return from;
}

/// The settings with the number of symbols in place of the word "vocab".
Settings with_vocabulary(const Component& component, const Settings& given, Index vocabulary) {
  Settings settings = given;
  for (const config::Key& key : component.keys) {
    const Settings::Entry& entry = given.entry(key.name);
    const bool word = std::holds_alternative<std::string>(entry.value);
    if (key.kind != config::Kind::integer || !word) continue;
    if (vocabulary == 0) {
      throw given.error(key.name, "'" + key.name +
                                      "': only a text has a vocabulary; set data.type = \"text\", "
                                      "or give a number");
    }
    settings.set(key.name, {vocabulary, entry.place});
  }
  return settings;
}

/// Calls `body`; a fault of the configuration that it finds points at this section, unless it has a
/// place of its own.
template <typename Body>
auto at_place_of(const Settings& s, const Body& body) {
  try {
    return body();
  } catch (const config::LocatedError&) {
    throw;
  } catch (const Error& error) {
    if (error.code() != ExitCode::config) throw;
    throw s.error("", error.what());
  }
}

Value add_layer(const Settings& s, std::vector<Value> from, Index vocabulary, Network& network) {
  const BlockRow* block = block_of(s);
  if (block != nullptr) return add_block(*block, s, from.front(), network);
  const auto& row = row_of(layer_rows(), s);
  return network.add(row.make(with_vocabulary(row.component, s, vocabulary)), s.name(),
                     std::move(from));
}

}  // namespace

const config::Catalogue& catalogue() {
  static const config::Catalogue all{
      layer_components(), components_of(loss_rows()), components_of(optimizer_rows()),
      components_of(schedule_rows()), components_of(augmentation_rows())};
  return all;
}

Network build_network(const config::Config& config, Shape input, Index vocabulary) {
  Network network(input);
  Value last = network.input();
  std::map<std::string, Value, std::less<>> values{{std::string(config::kInputName), last}};
  for (const Settings& s : config.layers) {
    std::vector<Value> from = inputs_of(s, last, values);
    last = at_place_of(s, [&] { return add_layer(s, std::move(from), vocabulary, network); });
    values.emplace(s.name(), last);
  }
  return network;
}

std::unique_ptr<Loss> build_loss(const config::Config& config) {
  return row_of(loss_rows(), config.loss).make(config.loss);
}

std::unique_ptr<Optimizer> build_optimizer(const config::Config& config) {
  return row_of(optimizer_rows(), config.optimizer).make(config.optimizer);
}

Augmenter build_augmenter(const config::Config& config, const Shape& shape,
                          const Normalization& normalization) {
  std::vector<std::unique_ptr<Augmentation>> list;
  for (const Settings& s : config.augmentations) {
    list.push_back(row_of(augmentation_rows(), s).make(s));
    at_place_of(s, [&] { list.back()->check(shape); });
  }
  return {std::move(list), shape, normalization, static_cast<std::uint64_t>(config.run.seed)};
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

double LearningRate::at(std::uint64_t step, Index drops) const {
  return learning_rate(*schedule_, base_, warmup_, step, drops);
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
