#include "config/read_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "config/suggest.hpp"

namespace lockstep::config {
namespace {

std::string found_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return fmt::format("string \"{}\"", shown(text->get()));
  if (const auto* number = node.as_integer()) return fmt::format("integer {}", number->get());
  if (const auto* number = node.as_floating_point()) {
    return fmt::format("real {}", real_text(number->get()));
  }
  if (const auto* truth = node.as_boolean()) return fmt::format("boolean {}", truth->get());
  if (node.is_array()) return "list";
  return node.is_table() ? "table" : "date or time";
}

std::string expected_text(const Key& key) {
  switch (key.kind) {
    case Kind::text:
    case Kind::choice:
      return "string";
    case Kind::reals:
      return "list of numbers, such as [0.5, 0.25]";
    case Kind::texts:
      return R"(list of strings, such as ["a", "b"])";
    case Kind::interval:
      return key.choices.empty() ? R"(interval such as "250 steps", "5 epochs" or "10 minutes")"
             : key.choices.front() == "seconds" ? R"(interval such as "90 s" or "10 minutes")"
                                                : R"(interval such as "250 steps" or "5 epochs")";
    case Kind::bytes:
      return R"(size such as "1 MiB" or "64 KiB")";
    case Kind::index_or_text:
      return "number or string";
    case Kind::reals_or_choice:
      return fmt::format("list of numbers, or {}", joined(key.choices, " or "));
    default:
      return std::string(kind_text(key.kind));
  }
}

Reading wrong_kind(const Key& key, const toml::node& node) {
  return {
      {},
      fmt::format("'{}': expected {}, found {}", key.name, expected_text(key), found_text(node))};
}

/// Finite and within what a 32-bit float holds, because that is what the mathematics is done in.
bool is_representable(double number) {
  return std::abs(number) <= static_cast<double>(std::numeric_limits<float>::max());
}

bool in_range(const Key& key, double number) {
  if (key.min && (key.min_exclusive ? number <= *key.min : number < *key.min)) return false;
  return !(key.max && (key.max_exclusive ? number >= *key.max : number > *key.max));
}

/// Refuses `number`, shown as `text`, when it lies outside the key's range.
std::string range_problem(const Key& key, double number, const std::string& text) {
  if (in_range(key, number)) return {};
  return fmt::format("'{}' must be {}, is {}", key.name, range_text(key), text);
}

/// One of the words that may stand for a number.
Reading read_word(const Key& key, const std::string& word) {
  if (std::find(key.choices.begin(), key.choices.end(), word) != key.choices.end()) return {word};
  return {{},
          fmt::format("'{}' must be an integer or one of {}, is \"{}\"", key.name,
                      joined(key.choices, ", "), shown(word))};
}

Reading read_integer(const Key& key, const toml::node& node) {
  const auto* number = node.as_integer();
  const auto* word = node.as_string();
  if (word != nullptr && !key.choices.empty()) return read_word(key, word->get());
  if (number == nullptr) return wrong_kind(key, node);
  const Index value = number->get();
  return {value, range_problem(key, static_cast<double>(value), fmt::format("{}", value))};
}

Reading read_real(const Key& key, const toml::node& node) {
  const std::optional<double> number =
      node.is_number() ? node.value<double>() : std::optional<double>();
  if (!number) return wrong_kind(key, node);
  if (!is_representable(*number)) {
    return {{},
            fmt::format("'{}' must be finite and fit a 32-bit float, is {}", key.name,
                        real_text(*number))};
  }
  return {*number, range_problem(key, *number, real_text(*number))};
}

Reading read_reals(const Key& key, const toml::node& node) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_kind(key, node);
  if (list->empty()) return {{}, fmt::format("'{}' must not be empty", key.name)};
  std::vector<double> values;
  for (const toml::node& element : *list) {
    const Reading one = read_real(key, element);
    if (!one.problem.empty()) return {{}, one.problem};
    values.push_back(std::get<double>(one.value));
  }
  return {values};
}

Reading read_choice(const Key& key, const std::string& text) {
  if (std::find(key.choices.begin(), key.choices.end(), text) != key.choices.end()) return {text};
  const std::string near = nearest(text, key.choices);
  const std::string list = key.kind == Kind::reals_or_choice ? "a list of numbers or " : "one of ";
  return {{},
          fmt::format("'{}' must be {}{}, is \"{}\"", key.name, list, joined(key.choices, ", "),
                      shown(text)),
          near.empty() ? "" : fmt::format("did you mean '{}'?", near)};
}

Reading read_text(const Key& key, const toml::node& node, const std::string& raw) {
  const auto* string = node.as_string();
  if (string == nullptr && raw.empty()) return wrong_kind(key, node);
  const std::string text = string != nullptr ? string->get() : raw;
  if (!key.choices.empty()) return read_choice(key, text);
  if (text.empty()) return {{}, fmt::format("'{}' must not be empty", key.name)};
  const bool controls = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (controls) return {{}, fmt::format("'{}' must not have control characters", key.name)};
  return {text};
}

Reading read_texts(const Key& key, const toml::node& node) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_kind(key, node);
  if (list->empty()) return {{}, fmt::format("'{}' must not be empty", key.name)};
  std::vector<std::string> values;
  for (const toml::node& element : *list) {
    const Reading one = read_text(key, element, {});
    if (!one.problem.empty()) return {{}, one.problem};
    values.push_back(std::get<std::string>(one.value));
  }
  return {values};
}

std::string unit_name(Interval::Unit unit) {
  if (unit == Interval::Unit::steps) return "steps";
  return unit == Interval::Unit::epochs ? "epochs" : "seconds";
}

Reading read_interval(const Key& key, const toml::node& node) {
  const auto* text = node.as_string();
  const std::optional<Interval> interval =
      text != nullptr ? parse_interval(text->get()) : std::nullopt;
  if (!interval) return wrong_kind(key, node);
  const auto& units = key.choices;
  if (!units.empty() &&
      std::find(units.begin(), units.end(), unit_name(interval->unit)) == units.end()) {
    return {{},
            fmt::format("'{}' must be in {}, is \"{}\"", key.name, joined(units, " or "),
                        interval_text(*interval))};
  }
  return {*interval, range_problem(key, interval->value, interval_text(*interval))};
}

Reading read_bytes(const Key& key, const toml::node& node) {
  const auto* text = node.as_string();
  if (text == nullptr) {
    return node.is_integer() ? read_integer(key, node) : wrong_kind(key, node);
  }
  const std::optional<Index> bytes = parse_bytes(text->get());
  if (!bytes) return wrong_kind(key, node);
  return {*bytes, range_problem(key, static_cast<double>(*bytes), bytes_text(*bytes))};
}

}  // namespace

Reading read_value(const Key& key, const toml::node& node, const std::string& raw) {
  switch (key.kind) {
    case Kind::boolean: {
      const auto* truth = node.as_boolean();
      return truth != nullptr ? Reading{truth->get()} : wrong_kind(key, node);
    }
    case Kind::integer:
      return read_integer(key, node);
    case Kind::real:
      return read_real(key, node);
    case Kind::reals:
      return read_reals(key, node);
    case Kind::interval:
      return read_interval(key, node);
    case Kind::bytes:
      return read_bytes(key, node);
    case Kind::index_or_text:
      if (node.is_integer()) return read_integer(key, node);
      return node.is_string() ? read_text(key, node, raw) : wrong_kind(key, node);
    case Kind::texts:
      return read_texts(key, node);
    case Kind::reals_or_choice:
      if (node.is_array()) return read_reals(key, node);
      return read_text(key, node, raw);
    case Kind::text:
    case Kind::choice:
      return read_text(key, node, raw);
  }
  return wrong_kind(key, node);
}

Reading read_default(const Key& key) {
  if (!key.default_value) return {};
  try {
    const toml::table table = toml::parse("value = " + *key.default_value);
    return read_value(key, *table.get("value"), {});
  } catch (const toml::parse_error& error) {
    return {{}, fmt::format("'{}': default {} is not TOML", key.name, *key.default_value)};
  }
}

}  // namespace lockstep::config
