#include "config/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "config/suggest.hpp"

namespace lockstep::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// toml++ builds and frees nested tables by recursion. These limits keep the nesting far below what
/// a stack holds.
constexpr int kMaxBrackets = 64;
constexpr int kMaxDotsPerLine = 128;

std::string without_byte_order_mark(const std::string& text) {
  return text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

Region region_of(const toml::source_region& source) {
  return {source.begin.line, source.begin.column, source.end.line, source.end.column};
}

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

/// Whether a dot has characters of numbers or keys on both sides and no other dot beside these: one
/// of a list of numbers, which may be long. Of the dots of a dotted key at most every second is.
bool is_alone(std::string_view text, std::size_t dot) {
  std::size_t begin = dot;
  std::size_t end = dot + 1;
  while (begin > 0 && is_key_character(text[begin - 1])) --begin;
  while (end < text.size() && is_key_character(text[end])) ++end;
  const bool another =
      (begin > 0 && text[begin - 1] == '.') || (end < text.size() && text[end] == '.');
  return begin < dot && end > dot + 1 && !another;
}

/// The line from 1 where the text nests too deeply, or 0. Brackets and dots in strings count too:
/// none needs so many.
Index too_deep_line(std::string_view text) {
  Index line = 1;
  int brackets = 0;
  int dots = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
      dots = 0;
    }
    if (c == '.' && !is_alone(text, i)) ++dots;
    if (c == '[' || c == '{') ++brackets;
    if ((c == ']' || c == '}') && brackets > 0) --brackets;
    if (brackets > kMaxBrackets || dots > kMaxDotsPerLine) return line;
  }
  return 0;
}

/// What toml++ says without its "Error while parsing ...: ".
std::string syntax_message(const toml::parse_error& error) {
  std::string_view text = error.description();
  const std::size_t colon = text.find(": ");
  if (text.starts_with("Error while") && colon != std::string_view::npos)
    text.remove_prefix(colon + 2);
  return fmt::format("not valid TOML: {}", text);
}

toml::table parse_toml(const Lines& lines, const std::string& text) {
  if (const Index line = too_deep_line(text); line > 0) {
    throw located_error(lines.place({line, 1, line, 1}), "nested too deeply", {});
  }
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw located_error(lines.place(region_of(error.source())), syntax_message(error), {});
  }
}

/// VALUE of an option: TOML if it is, otherwise text.
toml::table parse_value(const std::string& value) {
  if (value.find('\n') == std::string::npos && too_deep_line(value) == 0) {
    try {
      return toml::parse("value = " + value);
    } catch (const toml::parse_error&) {
      // A bare word, such as a path.
    }
  }
  return toml::table{{"value", value}};
}

/// What a key is called today.
std::string present_name(const Section& section, std::string_view name) {
  for (const Key& key : section.keys) {
    if (!key.old_name.empty() && key.old_name == name) return key.name;
  }
  return std::string(name);
}

std::string text_of(const Table& table, std::string_view key) {
  const auto found = table.keys.find(key);
  if (found == table.keys.end() || !found->second.value->is_string()) return {};
  return found->second.value->as_string()->get();
}

}  // namespace

Error too_large(const std::string& file) {
  const Lines lines(file, {});
  return located_error(
      lines.whole(), fmt::format("larger than {} bytes, which no config file is", kMaxConfigBytes),
      {});
}

Document::Document(const Source& source, std::span<const Override> overrides, Problems& problems)
    : text_(without_byte_order_mark(source.text)),
      lines_(source.file, text_),
      root_(parse_toml(lines_, text_)) {
  read_root(problems);
  for (const Section& section : sections()) {
    std::vector<Table>& tables = tables_[section.name];
    if (tables.empty() && !section.array) tables.push_back({whole_file()});
  }
  for (const Override& change : overrides) apply(change, problems);
}

void Document::read_root(Problems& problems) {
  for (auto&& [key, node] : root_) {
    const Place place = lines_.place(region_of(key.source()));
    const std::string name(key.str());
    if (const Section* section = find_section(name)) {
      read_section(*section, node, place, problems);
    } else if (node.is_table() || node.is_array_of_tables()) {
      problems.add({place, fmt::format("unknown section [{}]", shown(name)),
                    suggestion(name, section_names())});
    } else {
      problems.add({place, fmt::format("key '{}' stands outside of any section", shown(name)),
                    "a line such as [run] must come first"});
    }
  }
}

void Document::read_section(const Section& section, const toml::node& node, const Place& place,
                            Problems& problems) {
  std::vector<Table>& tables = tables_[section.name];
  if (section.array && node.is_array_of_tables()) {
    for (const toml::node& element : *node.as_array()) {
      tables.push_back(read_table(section, *element.as_table(), problems));
    }
  } else if (!section.array && node.is_table()) {
    tables.push_back(read_table(section, *node.as_table(), problems));
  } else {
    const std::string& name = section.name;
    const std::string message =
        section.array ? fmt::format("each element of '{0}' is written [[{0}]]", name)
                      : fmt::format("'{0}' is a section, written once as [{0}]", name);
    problems.add({place, message, {}, name});
  }
}

Table Document::read_table(const Section& section, const toml::table& table,
                           Problems& problems) const {
  Table out{lines_.place(region_of(table.source()))};
  for (auto&& [key, node] : table) {
    const std::string name = present_name(section, key.str());
    const Place place = lines_.place(region_of(key.source()));
    const Given given{&node, place, lines_.place(region_of(node.source()))};
    if (out.keys.emplace(name, given).second) continue;
    problems.add({place, fmt::format("'{}' was given twice, by this name and by its old one", name),
                  "leave out one of the two"});
  }
  return out;
}

void Document::apply(const Override& change, Problems& problems) {
  Place place;
  place.origin = Place::Origin::option;
  place.label = change.option;
  place.excerpt = change.assignment;
  std::replace_if(
      place.excerpt.begin(), place.excerpt.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');

  const std::string_view text = change.assignment;
  const std::size_t equals = text.find('=');
  const std::string_view path = text.substr(0, equals);
  const std::size_t dot = path.rfind('.');
  if (equals == std::string_view::npos || dot == std::string_view::npos) {
    problems.add({place, "expected SECTION.KEY=VALUE", "such as run.seed=7 or layer.fc1.out=64"});
    return;
  }
  Table* table = find_table(path.substr(0, dot), place, problems);
  if (table == nullptr) return;
  const std::string value(text.substr(equals + 1));
  options_.push_back(parse_value(value));
  const Section& section = *find_section(path.substr(0, path.find_first_of(".[")));
  table->keys.insert_or_assign(present_name(section, path.substr(dot + 1)),
                               Given{options_.back().get("value"), place, place, value});
}

Table* Document::find_table(std::string_view path, const Place& place, Problems& problems) {
  const std::string_view name = path.substr(0, path.find_first_of(".["));
  const Section* section = find_section(name);
  if (section == nullptr) {
    problems.add({place, fmt::format("unknown section [{}]", shown(name)),
                  suggestion(name, section_names())});
    return nullptr;
  }
  const std::string_view selector = path.substr(name.size());
  if (section->name == "layer") return find_layer(selector, place, problems);
  if (section->array) {
    Table* const element = find_element(section->name, selector);
    if (element == nullptr) {
      problems.add(
          {place, fmt::format("no element is selected by '{}{}'", name, shown(selector)),
           fmt::format("write {}[N].KEY with N below {}", name, tables_.at(section->name).size()),
           section->name});
    }
    return element;
  }
  if (!selector.empty()) {
    problems.add({place, fmt::format("[{}] has no '{}'", name, shown(selector)),
                  fmt::format("write {}.KEY=VALUE", name), section->name});
    return nullptr;
  }
  return &tables_.at(section->name).front();
}

Table* Document::find_layer(std::string_view selector, const Place& place, Problems& problems) {
  std::vector<Table>& layers = tables_.at("layer");
  if (selector.starts_with('.')) {
    const std::string_view name = selector.substr(1);
    const std::vector<std::string> names = layer_names();
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return &layers[static_cast<std::size_t>(found - names.begin())];
    problems.add({place, fmt::format("no layer is called '{}'", shown(name)),
                  suggestion(name, names), "layer"});
    return nullptr;
  }
  if (Table* const element = find_element("layer", selector)) return element;
  problems.add({place, fmt::format("no layer is selected by 'layer{}'", shown(selector)),
                fmt::format("write layer.NAME.KEY, or layer[N].KEY with N below {}", layers.size()),
                "layer"});
  return nullptr;
}

Table* Document::find_element(const std::string& section, std::string_view selector) {
  std::vector<Table>& elements = tables_.at(section);
  std::size_t index = 0;
  const char* end = selector.data() + selector.size();
  if (selector.size() <= 2 || !selector.starts_with('[') || !selector.ends_with(']'))
    return nullptr;
  const auto [stop, error] = std::from_chars(selector.data() + 1, end - 1, index);
  const bool found = error == std::errc{} && stop == end - 1 && index < elements.size();
  return found ? &elements[index] : nullptr;
}

Place Document::element_place(const Given& list, std::size_t index) const {
  const toml::array* elements = list.value->as_array();
  if (list.value_place.origin != Place::Origin::file || elements == nullptr) {
    return list.value_place;
  }
  return lines_.place(region_of(elements->get(index)->source()));
}

std::vector<std::string> Document::layer_names() const {
  const std::vector<Table>& layers = tables_.at("layer");
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const Table& layer : layers) {
    names.push_back(text_of(layer, "name"));
    taken.insert(names.back());
  }
  std::map<std::string, int> count;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].keys.contains("name")) continue;
    const std::string type = text_of(layers[i], "type");
    do {
      const int n = ++count[type];
      names[i] = n == 1 ? type : fmt::format("{}_{}", type, n);
    } while (taken.contains(names[i]));
    taken.insert(names[i]);
  }
  return names;
}

}  // namespace lockstep::config
