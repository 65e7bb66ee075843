#include "lockstep/config/parse.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "config/cross_checks.hpp"
#include "config/document.hpp"
#include "config/field.hpp"
#include "config/problems.hpp"
#include "config/read_value.hpp"
#include "config/suggest.hpp"
#include "lockstep/base/file_kind.hpp"

namespace lockstep::config {
namespace {

using Entries = std::map<std::string, Settings::Entry>;

std::string header_text(const Section& section) {
  return fmt::format("{}{}{}", section.array ? "[[" : "[", section.name,
                     section.array ? "]]" : "]");
}

/// "'batch' belongs to [data]" when that is where a misplaced key is at home, otherwise what
/// `suggestion` says.
std::string key_hint(const std::string& name, const std::vector<Key>& keys) {
  std::vector<std::string> known;
  for (const Key& key : keys) known.push_back(key.name);
  if (nearest(name, known).empty()) {
    for (const Section& section : sections()) {
      for (const Key& key : section.keys) {
        if (key.name == name) return fmt::format("'{}' belongs to [{}]", name, section.name);
      }
    }
  }
  return suggestion(name, known);
}

void report_unknown(const Section& section, const std::vector<Key>& keys, const Table& table,
                    Problems& problems) {
  for (const auto& [name, given] : table.keys) {
    bool known = false;
    for (const Key& key : keys) known = known || key.name == name;
    if (known) continue;
    problems.add({given.key_place,
                  fmt::format("unknown key '{}' in {}", shown(name), header_text(section)),
                  key_hint(name, keys), section.name});
  }
}

/// The value of one key of `table`: given, default or absent.
Settings::Entry read_key(const Section& section, const Key& key, const Table& table,
                         Problems& problems) {
  const auto given = table.keys.find(key.name);
  if (given == table.keys.end()) {
    if (key.required) {
      const std::string expected = key.kind != Kind::choice
                                       ? key.sentence
                                       : fmt::format("one of {}", joined(key.choices, ", "));
      problems.add({table.place,
                    fmt::format("{} needs '{}': {}", header_text(section), key.name, expected),
                    {},
                    section.name});
    }
    return {read_default(key).value, {}};
  }
  const Reading reading = read_value(key, *given->second.value, given->second.raw);
  if (!reading.problem.empty()) {
    problems.add({given->second.value_place, reading.problem, reading.hint, section.name});
  }
  return {reading.value, given->second.value_place};
}

Entries read_keys(const Section& section, const std::vector<Key>& keys, const Table& table,
                  Problems& problems) {
  Entries entries;
  for (const Key& key : keys) entries[key.name] = read_key(section, key, table, problems);
  report_unknown(section, keys, table, problems);
  return entries;
}

void read_fixed(const Section& section, const Table& table, Config& config, Problems& problems) {
  config.places[section.name] = table.place;
  const Entries entries = read_keys(section, section.keys, table, problems);
  for (const Key& key : section.keys) {
    const Settings::Entry& entry = entries.at(key.name);
    store(key.field(config), entry.value);
    config.places[section.name + "." + key.name] = entry.place;
  }
}

Settings read_typed(const Section& section, const Table& table, const Catalogue& catalogue,
                    Problems& problems) {
  Settings settings(section.name, table.place);
  const Settings::Entry type = read_key(section, type_key(section, catalogue), table, problems);
  const std::string* name = std::get_if<std::string>(&type.value);
  const Component* component =
      name == nullptr ? nullptr : find_component(section, *name, catalogue);
  if (component == nullptr) return settings;  // without a type nothing else can be judged

  std::vector<Key> keys = keys_of(section, component, catalogue);
  for (const auto& [key, entry] : read_keys(section, keys, table, problems)) {
    settings.set(key, entry);
  }
  return settings;
}

void read_augmentations(const Section& section, const Document& document,
                        const Catalogue& catalogue, Config& config, Problems& problems) {
  for (const Table& table : document.tables(section.name)) {
    config.augmentations.push_back(read_typed(section, table, catalogue, problems));
  }
}

void read_layers(const Section& section, const Document& document, const Catalogue& catalogue,
                 Config& config, Problems& problems) {
  const std::vector<std::string> names = document.layer_names();
  const std::vector<Table>& tables = document.tables(section.name);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    Settings settings = read_typed(section, tables[i], catalogue, problems);
    const auto given = tables[i].keys.find("name");
    const Place place = given == tables[i].keys.end() ? Place{} : given->second.value_place;
    settings.set("name", {names[i], place});
    config.layers.push_back(std::move(settings));
  }
}

void read_sections(const Document& document, const Catalogue& catalogue, Config& config,
                   Problems& problems) {
  for (const Section& section : sections()) {
    const std::vector<Table>& tables = document.tables(section.name);
    if (section.components == nullptr) {
      read_fixed(section, tables.front(), config, problems);
    } else if (section.name == "augment") {
      read_augmentations(section, document, catalogue, config, problems);
    } else if (section.array) {
      read_layers(section, document, catalogue, config, problems);
    } else {
      Settings& target = section.name == "loss"        ? config.loss
                         : section.name == "optimizer" ? config.optimizer
                                                       : config.schedule;
      target = read_typed(section, tables.front(), catalogue, problems);
    }
  }
}

/// Everything, with what must hold wherever a configuration is used.
Config read(const Document& document, const std::string& file, const Catalogue& catalogue,
            Problems& problems) {
  Config config;
  config.file = file;
  read_sections(document, catalogue, config, problems);
  if (config.run.name.empty()) config.run.name = run_name(file);
  check_normalization(document, config, problems);
  check_layers(document, config, problems);
  check_graph(document, config, problems);
  return config;
}

/// Why a file cannot be read, or nothing. Opening a pipe would wait for its writer.
std::string obstacle_to_reading(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (error) return error.message();
  return std::filesystem::is_regular_file(status) ? "" : "it is not a regular file";
}

}  // namespace

Source read_source(const std::string& path) {
  std::string obstacle = obstacle_to_reading(path);
  std::ifstream file;
  if (obstacle.empty()) {
    file.open(path, std::ios::binary);
    if (!file) obstacle = "permission denied";
  }
  if (!obstacle.empty()) {
    throw Error(ExitCode::no_input, fmt::format("cannot read the config file '{}': {}\n"
                                                "  to write one: trainer config init FILE",
                                                path, obstacle));
  }
  std::string text(kMaxConfigBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (const auto kind = kind_of_file(std::as_bytes(std::span(text)))) {
    refuse_kind(path, *kind, "a configuration in TOML", ExitCode::config);
  }
  if (text.size() > kMaxConfigBytes) throw too_large(path);
  return {path, std::move(text)};
}

Config parse(const Source& source, std::span<const Override> overrides,
             const Catalogue& catalogue) {
  if (source.text.size() > kMaxConfigBytes) throw too_large(source.file);
  Problems problems;
  const Document document(source, overrides, problems);
  const Config config = read(document, source.file, catalogue, problems);
  check_run(document, config, problems);
  check_microbatches(document, config, problems);
  check_stop(document, problems);
  check_divergence(document, config, problems);
  check_audit(document, config, problems);
  if (!problems.empty()) throw problems.error();
  return config;
}

Config parse_identity(const Source& source, const Catalogue& catalogue) {
  Problems problems;
  const Document document(source, {}, problems);
  Config config = read(document, source.file, catalogue, problems);
  if (!problems.empty()) throw problems.error();
  return config;
}

}  // namespace lockstep::config
