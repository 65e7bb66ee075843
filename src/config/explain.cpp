#include <fmt/format.h>

#include "config/search.hpp"
#include "config/suggest.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/config/show.hpp"

namespace lockstep::config {
namespace {

/// "real, at least 0 and below 1, default 0.9"
std::string facts(const Key& key) {
  std::string text(kind_text(key.kind));
  const bool one_of = key.kind == Kind::choice;
  const bool beside = key.kind == Kind::integer || key.kind == Kind::reals_or_choice;
  if (beside && !key.choices.empty()) {
    text += fmt::format(" or {}", joined(key.choices, " or "));
  } else if (!key.choices.empty()) {
    text = one_of ? fmt::format("one of {}", joined(key.choices, ", "))
                  : fmt::format("{} in {}", text, joined(key.choices, " or "));
  }
  if (!key.unit.empty()) text += fmt::format(" ({})", key.unit);
  const std::string range = range_text(key);
  if (!range.empty()) text += ", " + range;
  if (key.default_value) return text + ", default " + *key.default_value;
  return text + (key.required ? ", required" : ", optional");
}

std::string key_text(const std::string& path, const Key& key) {
  return fmt::format("{}\n  {}\n  {}{}\n", path, facts(key), key.sentence,
                     key.deployment ? " Does not change the result of a run." : "");
}

std::string keys_text(const std::string& path, const std::vector<Key>& keys) {
  std::string text;
  for (const Key& key : keys) {
    text += '\n';
    text += key_text(path + "." + key.name, key);
  }
  return text;
}

std::string list_row(const std::string& name, const std::string& sentence) {
  return fmt::format("  {:<16} {}\n", name, sentence);
}

Error unknown(std::string_view path, std::string_view name, const std::vector<std::string>& known) {
  const std::string hint = suggestion(name, known);
  return {ExitCode::usage, fmt::format("nothing to explain about '{}'{}{}", shown(path),
                                       hint.empty() ? "" : "; ", hint)};
}

std::string explain_all() {
  std::string text = "Sections of a config file:\n";
  for (const Section& section : sections()) text += list_row(section.name, section.sentence);
  return text +
         "More: trainer config explain SECTION, SECTION.KEY or SECTION.TYPE; any WORD finds the "
         "keys and types about it, --all lists all keys\n";
}

std::string list_text(const std::vector<FoundKey>& keys) {
  std::string text;
  for (const FoundKey& each : keys) {
    text += fmt::format("{:<34} {}\n", each.path, each.key.sentence);
  }
  return text;
}

std::string explain_section(const Section& section, const Catalogue& catalogue) {
  const std::string header =
      section.array ? fmt::format("[[{}]]", section.name) : fmt::format("[{}]", section.name);
  std::string text = fmt::format("{}  {}\n", header, section.sentence);
  text += keys_text(section.name, keys_of(section, nullptr, catalogue));
  if (section.components == nullptr) return text;
  text += "\nTypes:\n";
  for (const Component& component : catalogue.*section.components) {
    text += list_row(component.type, component.sentence);
  }
  return text + fmt::format("Keys of a type: trainer config explain {}.TYPE\n", section.name);
}

std::string explain_component(const Section& section, const Component& component) {
  const std::string path = section.name + "." + component.type;
  return fmt::format("{}  {}\n", path, component.sentence) + keys_text(path, component.keys);
}

/// "KEY" of a section, "TYPE", or a key that some types have.
std::string explain_within(const Section& section, std::string_view name, std::string_view path,
                           const Catalogue& catalogue) {
  std::vector<std::string> known, keys;
  for (const Key& key : keys_of(section, nullptr, catalogue)) {
    if (key.name == name) return key_text(std::string(path), key);
    known.push_back(key.name);
  }
  if (section.components == nullptr) throw unknown(path, name, known);
  std::string text;
  for (const Component& component : catalogue.*section.components) {
    if (component.type == name) return explain_component(section, component);
    known.push_back(component.type);
    for (const Key& key : component.keys) {
      if (key.name == name) {
        if (!text.empty()) text += '\n';
        text += key_text(fmt::format("{}.{}.{}", section.name, component.type, name), key);
      }
      keys.push_back(key.name);
    }
  }
  if (!text.empty()) return text;
  // The keys of the types may be what was meant, but are too many to be listed.
  keys.insert(keys.begin(), known.begin(), known.end());
  const std::string meant = nearest(name, keys);
  throw unknown(path, name, meant.empty() ? known : std::vector{meant});
}

/// A word that is no section: types and keys of that name, and a list of keys that begin like it,
/// or else of those about it.
std::string explain_word(std::string_view word, const Catalogue& catalogue) {
  std::string text;
  std::vector<std::string> known = section_names();
  for (const Section& section : sections()) {
    if (section.components == nullptr) continue;
    for (const Component& component : catalogue.*section.components) {
      if (component.type == word) {
        text += (text.empty() ? "" : "\n") + explain_component(section, component);
      }
      known.push_back(component.type);
    }
  }
  for (const FoundKey& each : keys_named(catalogue, word)) {
    text += (text.empty() ? "" : "\n") + key_text(each.path, each.key);
  }
  if (text.empty() && !word.empty()) {
    text = list_text(keys_about(catalogue, word));
  } else if (const std::string others = list_text(keys_like(catalogue, word)); !others.empty()) {
    text += "\nOf a similar name:\n" + others;
  }
  if (!text.empty()) return text;
  for (const FoundKey& each : all_keys(catalogue)) known.push_back(each.key.name);
  const std::string meant = nearest(word, known);
  throw unknown(word, word, meant.empty() ? section_names() : std::vector{meant});
}

}  // namespace

std::string explain_all_keys(const Catalogue& catalogue) { return list_text(all_keys(catalogue)); }

std::string explain(const Catalogue& catalogue, std::string_view path) {
  if (path.empty()) return explain_all();
  const std::string_view name = path.substr(0, path.find('.'));
  const Section* section = find_section(name);
  if (section == nullptr && name.size() == path.size()) return explain_word(path, catalogue);
  if (section == nullptr) throw unknown(path, name, section_names());
  if (name.size() == path.size()) return explain_section(*section, catalogue);

  const std::string_view rest = path.substr(name.size() + 1);
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return explain_within(*section, rest, path, catalogue);

  const std::string_view type = rest.substr(0, dot);
  std::vector<std::string> known;
  const Component* component = find_component(*section, type, catalogue);
  if (component == nullptr) {
    if (section->components != nullptr) known = type_key(*section, catalogue).choices;
    throw unknown(path, type, known);
  }
  for (const Key& key : keys_of(*section, component, catalogue)) {
    if (key.name == rest.substr(dot + 1)) return key_text(std::string(path), key);
    known.push_back(key.name);
  }
  throw unknown(path, rest.substr(dot + 1), known);
}

}  // namespace lockstep::config
