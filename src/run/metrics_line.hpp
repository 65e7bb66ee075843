#pragma once

#include <cmath>
#include <concepts>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "lockstep/base/printable.hpp"
#include "lockstep/nn/metric.hpp"
#include "lockstep/train/step_times.hpp"

namespace lockstep {

template <typename Written>
concept OptionalValue = std::same_as<Written, std::optional<typename Written::value_type>>;

/// One type of line of metrics.jsonl, made of an `Event`: what is written and its JSON Schema
/// follow from the same fields, whose types are those of their values. An optional field is left
/// out where its value is.
template <typename Event>
class MetricsLine {
 public:
  using Json = nlohmann::ordered_json;

  /// `type` is the value of "t"; `sentence` says when there is such a line.
  MetricsLine(std::string type, std::string sentence)
      : type_(std::move(type)), sentence_(std::move(sentence)) {}

  /// `get(event)`, or event.*get: a whole number of at least 0, a real number, a text, a truth
  /// value, or one that has a `json` and the static schema of it.
  template <typename Get>
  MetricsLine& field(const std::string& name, Get get, const std::string& sentence) {
    using Written = std::remove_cvref_t<std::invoke_result_t<Get, const Event&>>;
    if constexpr (OptionalValue<Written>) {
      describe<typename Written::value_type>(name, sentence, /*required=*/false);
    } else {
      describe<Written>(name, sentence, /*required=*/true);
    }
    writers_.push_back([name, get](const Event& event, Text& text) {
      const Written& value = std::invoke(get, event);
      if constexpr (OptionalValue<Written>) {
        if (value) text.add(name, *value);
      } else {
        text.add(name, value);
      }
    });
    return *this;
  }

  /// The metrics of a loss, each under its name behind `prefix`. `always`: at least the loss.
  template <typename Get>
  MetricsLine& metrics(const std::string& prefix, Get get, bool always,
                       const std::string& sentence) {
    if (always) describe<double>(prefix + "loss", sentence, /*required=*/true);
    additional_ = reference("number");
    writers_.push_back([prefix, get](const Event& event, Text& text) {
      for (const Metric& m : std::invoke(get, event)) text.add(prefix + m.name, m.value);
    });
    return *this;
  }

  /// Seconds of each part of the time.
  template <typename Get>
  MetricsLine& times(Get get) {
    for (std::size_t i = 0; i < kPartRows.size(); ++i) {
      const auto seconds = [get, i](const Event& event) {
        return std::invoke(get, event).seconds[i];
      };
      field(std::string(kPartRows[i].name) + "_s", seconds, std::string(kPartRows[i].sentence));
    }
    return *this;
  }

  /// The line of an event, with its end.
  [[nodiscard]] std::string text(const Event& event) const {
    Text text{{{"t", type_}}, {}};
    for (const auto& write : writers_) write(event, text);
    if (!text.nonfinite.empty()) text.json["nonfinite"] = text.nonfinite;
    return printable_json(text.json.dump(-1, ' ', false, Json::error_handler_t::replace)) + "\n";
  }

  [[nodiscard]] Json schema() const {
    Json properties = {{"t", {{"const", type_}}}};
    properties.update(properties_);
    properties["nonfinite"] = reference("texts");
    return {{"description", sentence_},
            {"type", "object"},
            {"properties", properties},
            {"required", required_},
            {"additionalProperties", additional_}};
  }

 private:
  struct Text {
    Json json;
    std::vector<std::string> nonfinite;

    template <typename Written>
    void add(const std::string& key, const Written& value) {
      if constexpr (std::is_class_v<Written> && !std::is_same_v<Written, std::string>) {
        json[key] = value.json();
      } else {
        json[key] = value;  // null if it is no finite number
      }
      if constexpr (std::is_floating_point_v<Written>) {
        if (!std::isfinite(value)) nonfinite.push_back(key);
      }
    }
  };

  static Json reference(const std::string& name) { return {{"$ref", "#/$defs/" + name}}; }

  template <typename Written>
  static Json schema_of() {
    if constexpr (std::is_same_v<Written, bool>) {
      return {{"type", "boolean"}};
    } else if constexpr (std::is_integral_v<Written>) {
      return reference("count");
    } else if constexpr (std::is_floating_point_v<Written>) {
      return reference("number");
    } else if constexpr (std::is_same_v<Written, std::string>) {
      return reference("text");
    } else {
      return Written::schema();
    }
  }

  template <typename Written>
  void describe(const std::string& name, const std::string& sentence, bool required) {
    properties_[name] = schema_of<Written>();
    properties_[name]["description"] = sentence;
    if (required) required_.push_back(name);
  }

  std::string type_;
  std::string sentence_;
  Json properties_ = Json::object();
  Json required_ = {"t"};
  Json additional_ = false;
  std::vector<std::function<void(const Event&, Text&)>> writers_;
};

}  // namespace lockstep
