#include "lockstep/config/schema.hpp"

#include <fmt/format.h>

#include <array>
#include <set>

#include "config/read_value.hpp"

namespace lockstep::config {
namespace {

void append_key_faults(const std::string& where, const std::vector<Key>& keys,
                       std::vector<std::string>& out) {
  std::set<std::string> names;
  for (const Key& key : keys) {
    const std::string path = where + "." + key.name;
    if (!names.insert(key.name).second ||
        (!key.old_name.empty() && !names.insert(key.old_name).second)) {
      out.push_back(path + ": described twice");
    }
    if (!key.sentence.ends_with('.')) out.push_back(path + ": no sentence");
    if (key.required && key.default_value) out.push_back(path + ": required, yet has a default");
    if (key.kind == Kind::choice && key.choices.empty()) out.push_back(path + ": no choices");
    const Reading reading = read_default(key);
    if (!reading.problem.empty()) out.push_back(path + ": default: " + reading.problem);
  }
}

}  // namespace

const Section* find_section(std::string_view name) {
  for (const Section& section : sections()) {
    if (section.name == name) return &section;
  }
  return nullptr;
}

std::vector<std::string> section_names() {
  std::vector<std::string> names;
  for (const Section& section : sections()) names.push_back(section.name);
  return names;
}

Key type_key(const Section& section, const Catalogue& catalogue) {
  Key key;
  key.name = "type";
  key.kind = Kind::choice;
  key.required = section.default_type.empty();
  if (!key.required) key.default_value = toml_string(section.default_type);
  for (const Component& component : catalogue.*section.components) {
    key.choices.push_back(component.type);
  }
  key.sentence = fmt::format("Which {}.", section.name);
  return key;
}

std::vector<Key> keys_of(const Section& section, const Component* component,
                         const Catalogue& catalogue) {
  std::vector<Key> keys;
  if (section.components != nullptr) keys.push_back(type_key(section, catalogue));
  keys.insert(keys.end(), section.keys.begin(), section.keys.end());
  if (component != nullptr) {
    keys.insert(keys.end(), component->keys.begin(), component->keys.end());
  }
  return keys;
}

const Component* find_component(const Section& section, std::string_view type,
                                const Catalogue& catalogue) {
  if (section.components == nullptr) return nullptr;
  for (const Component& component : catalogue.*section.components) {
    if (component.type == type) return &component;
  }
  return nullptr;
}

std::vector<std::string> faults(const Catalogue& catalogue) {
  std::vector<std::string> out;
  for (const Section& section : sections()) {
    if (!section.sentence.ends_with('.')) out.push_back(section.name + ": no sentence");
    append_key_faults(section.name, keys_of(section, nullptr, catalogue), out);
    if (section.components == nullptr) continue;
    std::set<std::string> types;
    for (const Component& component : catalogue.*section.components) {
      const std::string path = section.name + "." + component.type;
      if (!types.insert(component.type).second) out.push_back(path + ": described twice");
      if (!component.sentence.ends_with('.')) out.push_back(path + ": no sentence");
      append_key_faults(path, keys_of(section, &component, catalogue), out);
    }
  }
  return out;
}

std::string_view kind_text(Kind kind) {
  constexpr std::array<std::string_view, 11> kNames{
      "boolean",          "integer",       "real",         "text",
      "choice",           "list of reals", "interval",     "size",
      "number or string", "list of reals", "list of texts"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string range_text(const Key& key) {
  const auto number = [](double value) { return fmt::format("{}", value); };
  std::string text;
  if (key.min) text = (key.min_exclusive ? "above " : "at least ") + number(*key.min);
  if (key.min && key.max) text += " and ";
  if (key.max) text += (key.max_exclusive ? "below " : "at most ") + number(*key.max);
  return text;
}

}  // namespace lockstep::config
