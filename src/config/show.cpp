#include "lockstep/config/show.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/field.hpp"

namespace lockstep::config {
namespace {

constexpr std::size_t kCommentColumn = 40;

template <typename T>
std::string list_text(const std::vector<T>& values, std::string (*element_text)(T)) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ", ") + element_text(value);
  return "[" + text + "]";
}

/// The value as TOML, in the form in which a key of this kind is written.
std::string value_text(Kind kind, const Value& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<Index>(&value)) {
    return kind == Kind::bytes ? toml_string(bytes_text(*number)) : fmt::format("{}", *number);
  }
  if (const auto* number = std::get_if<double>(&value)) return real_text(*number);
  if (const auto* list = std::get_if<std::vector<double>>(&value))
    return list_text(*list, real_text);
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    return list_text<std::string>(*list, [](std::string text) { return toml_string(text); });
  }
  if (const auto* interval = std::get_if<Interval>(&value)) {
    return toml_string(interval_text(*interval));
  }
  return toml_string(std::get<std::string>(value));
}

/// Writes a configuration as TOML, in the order of the tables.
class Writer {
 public:
  enum class Form { resolved, plain, identity };

  Writer(const Config& config, const Catalogue& catalogue, Form form)
      : config_(config), catalogue_(catalogue), form_(form) {}

  std::string write() {
    for (const Section& section : sections()) {
      if (section.components == nullptr) {
        write_fixed(section);
      } else {
        for (const Settings& settings : config_.settings(section.name)) {
          write_typed(section, settings);
        }
      }
    }
    return text_;
  }

 private:
  void write_fixed(const Section& section) {
    std::string lines;
    for (const Key& key : section.keys) {
      const auto place = config_.places.find(section.name + "." + key.name);
      lines += line(key, load(key.field(config_)),
                    place == config_.places.end() ? Place{} : place->second);
    }
    add_section(fmt::format("[{}]", section.name), lines);
  }

  void write_typed(const Section& section, const Settings& settings) {
    std::string lines;
    const Component* component = find_component(section, settings.type(), catalogue_);
    for (const Key& key : keys_of(section, component, catalogue_)) {
      const Settings::Entry& entry = settings.entry(key.name);
      lines += line(key, entry.value, entry.place);
    }
    const std::string& name = section.name;
    add_section(section.array ? fmt::format("[[{}]]", name) : fmt::format("[{}]", name), lines);
  }

  [[nodiscard]] std::string line(const Key& key, const Value& value, const Place& place) const {
    if (std::holds_alternative<std::monostate>(value)) return {};
    if (form_ == Form::identity && key.deployment) return {};
    std::string text = fmt::format("{} = {}", key.name, value_text(key.kind, value));
    if (form_ == Form::resolved) {
      text = fmt::format("{:<{}}# {}", text + " ", kCommentColumn, place.origin_text());
    }
    return text + "\n";
  }

  void add_section(const std::string& header, const std::string& lines) {
    if (lines.empty()) return;
    text_ += (text_.empty() ? "" : "\n") + header + "\n" + lines;
  }

  Config config_;  ///< a copy, because fields are found through a mutable reference
  const Catalogue& catalogue_;
  Form form_;
  std::string text_;
};

// The values of a text without comments, line by line, under the names that --set gives them.
std::map<std::string, std::string> values_of(std::string_view text) {
  std::map<std::string, std::string> values;
  std::map<std::string_view, int> elements;
  std::string section;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t equals = line.find(" = ");
    if (line.starts_with("[[")) {
      const std::string_view name = line.substr(2, line.find("]]") - 2);
      section = fmt::format("{}[{}]", name, elements[name]++);
    } else if (line.starts_with('[')) {
      section = line.substr(1, line.find(']') - 1);
    } else if (equals != std::string_view::npos) {
      values[fmt::format("{}.{}", section, line.substr(0, equals))] = line.substr(equals + 3);
    }
  }
  return values;
}

}  // namespace

std::vector<std::string> differing_keys(std::string_view one, std::string_view other) {
  const auto ours = values_of(one);
  const auto theirs = values_of(other);
  std::vector<std::string> keys;
  for (const auto& [key, value] : ours) {
    const auto found = theirs.find(key);
    if (found == theirs.end() || found->second != value) keys.push_back(key);
  }
  for (const auto& [key, value] : theirs) {
    if (!ours.contains(key)) keys.push_back(key);
  }
  return keys;
}

std::string resolved(const Config& config, const Catalogue& catalogue) {
  return Writer(config, catalogue, Writer::Form::resolved).write();
}

std::map<std::string, std::string> values(const Config& config, const Catalogue& catalogue) {
  return values_of(Writer(config, catalogue, Writer::Form::plain).write());
}

std::string identity(const Config& config, const Catalogue& catalogue) {
  return Writer(config, catalogue, Writer::Form::identity).write();
}

}  // namespace lockstep::config
