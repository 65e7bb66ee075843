#include "config/cross_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "config/suggest.hpp"

namespace lockstep::config {
namespace {

constexpr std::size_t kLongestRunName = 100;

bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool goes_on_name(char c) { return starts_name(c) || (c >= '0' && c <= '9'); }
bool is_name_character(char c) { return goes_on_name(c) || c == '-' || c == '.'; }

bool is_run_name(const std::string& name) {
  return !name.empty() && name.size() <= kLongestRunName && name.front() != '.' &&
         name.front() != '-' && std::all_of(name.begin(), name.end(), is_name_character);
}

bool is_identifier(const std::string& name) {
  return !name.empty() && starts_name(name.front()) &&
         std::all_of(name.begin(), name.end(), goes_on_name);
}

const Given* given(const Table& table, std::string_view key) {
  const auto found = table.keys.find(key);
  return found == table.keys.end() ? nullptr : &found->second;
}

}  // namespace

std::string run_name(const std::string& file) {
  std::string name = std::filesystem::path(file).stem().string().substr(0, kLongestRunName);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_name_character(c); }, '_');
  return is_run_name(name) ? name : "run";
}

void check_run(const Document& document, const Config& config, Problems& problems) {
  const Table& run = document.table("run");
  const Given* epochs = given(run, "epochs");
  const Given* steps = given(run, "steps");
  if (epochs != nullptr && steps != nullptr) {
    problems.add({steps->key_place, "give either 'epochs' or 'steps', not both", {}, "run"});
  }
  if (epochs == nullptr && steps == nullptr) {
    problems.add({run.place, "[run] needs 'epochs' or 'steps'", "such as epochs = 10", "run"});
  }
  const Given* name = given(run, "name");
  if (name != nullptr && !is_run_name(config.run.name)) {
    problems.add({name->value_place,
                  "'name' becomes a directory: at most 100 letters, digits, '_', '-' and '.', and "
                  "neither '.' nor '-' first",
                  {},
                  "run"});
  }
}

void check_normalization(const Document& document, const Config& config, Problems& problems) {
  const Table& data = document.table("data");
  const Given* mean = given(data, "mean");
  const Given* deviation = given(data, "std");
  if ((mean == nullptr) != (deviation == nullptr)) {
    const Given* alone = mean != nullptr ? mean : deviation;
    problems.add({alone->key_place, "'mean' and 'std' must be given together", {}, "data"});
  }
  const bool readable = !config.data.mean.empty() && !config.data.deviation.empty();
  if (readable && config.data.mean.size() != config.data.deviation.size()) {
    problems.add({deviation->value_place,
                  fmt::format("'std' must be as long as 'mean', {}, is {} long",
                              config.data.mean.size(), config.data.deviation.size()),
                  {},
                  "data"});
  }
  if (mean != nullptr && config.data.normalize == "standard") {
    problems.add({mean->key_place,
                  "'mean' excludes normalize = \"standard\", which measures it",
                  {},
                  "data"});
  }
}

void check_microbatches(const Document& document, const Config& config, Problems& problems) {
  const Given* microbatches = given(document.table("parallel"), "microbatches");
  if (microbatches != nullptr && config.data.batch > 0 &&
      config.data.batch < config.parallel.microbatches) {
    problems.add({microbatches->value_place,
                  fmt::format("'microbatches' must be at most data.batch, {}, is {}",
                              config.data.batch, config.parallel.microbatches),
                  {},
                  "parallel"});
  }
}

void check_stop(const Document& document, Problems& problems) {
  struct Needed {
    const char* key;
    const char* by;
  };
  const Table& stop = document.table("stop");
  for (const auto& [key, by] : {Needed{"patience", "metric"}, Needed{"patience", "min_delta"},
                                Needed{"gradient_norm", "steps"}}) {
    const Given* alone = given(stop, by);
    if (alone == nullptr || given(stop, key) != nullptr) continue;
    problems.add({alone->key_place, fmt::format("'{}' needs '{}'", by, key), {}, "stop"});
  }
}

void check_divergence(const Document& document, const Config& config, Problems& problems) {
  const Table& divergence = document.table("divergence");
  const bool back = config.divergence.action == "rollback";
  // The default is no request: resolved configurations hold every value.
  const bool wants_factor = config.divergence.rate_factor != Divergence{}.rate_factor;
  if (const Given* factor = given(divergence, "rate_factor"); factor && wants_factor && !back) {
    problems.add(
        {factor->key_place, "'rate_factor' needs action = \"rollback\"", {}, "divergence"});
  }
  if (back && config.checkpoint.every.unit == Interval::Unit::seconds) {
    problems.add({given(divergence, "action")->value_place,
                  "a rollback needs checkpoint.every in steps or epochs: where it goes back to "
                  "must not depend on the time",
                  "set checkpoint.every = \"1 epoch\"", "divergence"});
  }
}

void check_audit(const Document& document, const Config& config, Problems& problems) {
  if (config.audit.every.unit != Interval::Unit::seconds) return;
  problems.add({given(document.table("audit"), "every")->value_place,
                "'every' must be in steps or epochs: all ranks audit after the same step",
                {},
                "audit"});
}

void check_layers(const Document& document, const Config& config, Problems& problems) {
  if (config.layers.empty()) {
    problems.add(
        {document.whole_file(), "no [[layer]]: a network needs at least one", {}, "layer"});
  }
  std::map<std::string, Place> first;
  for (const Settings& layer : config.layers) {
    const Place& place = layer.entry("name").place;
    const std::string& name = layer.name();
    const bool refused = name.empty();  // no string or an empty one, reported where it was read
    if (place.origin == Place::Origin::builtin || refused) continue;
    if (name == kInputName) {
      problems.add({place, fmt::format("no layer may be called '{}'", kInputName),
                    "it names the network's input", "layer"});
    } else if (!is_identifier(name)) {
      problems.add({place,
                    fmt::format("layer name \"{}\" must be letters, digits and '_', and start with "
                                "no digit",
                                shown(name)),
                    {},
                    "layer"});
    } else if (const auto [other, added] = first.emplace(name, place); !added) {
      problems.add({place, fmt::format("a layer is already called '{}'", name),
                    fmt::format("in {}", other->second.origin_text()), "layer"});
    }
  }
}

}  // namespace lockstep::config
