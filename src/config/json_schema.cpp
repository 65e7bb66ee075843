#include <nlohmann/json.hpp>

#include "config/read_value.hpp"
#include "lockstep/config/show.hpp"

namespace lockstep::config {
namespace {

using Json = nlohmann::ordered_json;

Json value_json(Kind kind, const Value& value) {
  return std::visit(
      [kind](const auto& known) -> Json {
        using T = std::decay_t<decltype(known)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<T, Interval>) {
          return interval_text(known);
        } else if constexpr (std::is_same_v<T, Index>) {
          return kind == Kind::bytes ? Json(bytes_text(known)) : Json(known);
        } else {
          return known;
        }
      },
      value);
}

void add_range(const Key& key, Json& out) {
  if (key.min) out[key.min_exclusive ? "exclusiveMinimum" : "minimum"] = *key.min;
  if (key.max) out[key.max_exclusive ? "exclusiveMaximum" : "maximum"] = *key.max;
}

Json key_schema(const Key& key) {
  Json out{{"description", key.sentence}};
  switch (key.kind) {
    case Kind::boolean:
      out["type"] = "boolean";
      break;
    case Kind::integer:
    case Kind::real:
      out["type"] = key.kind == Kind::integer ? "integer" : "number";
      add_range(key, out);
      if (!key.choices.empty()) {
        out = {{"description", key.sentence}, {"anyOf", {out, {{"enum", key.choices}}}}};
        out["anyOf"][0].erase("description");
      }
      break;
    case Kind::text:
      out["type"] = "string";
      out["minLength"] = 1;
      break;
    case Kind::choice:
      out["enum"] = key.choices;
      break;
    case Kind::reals:
      out["type"] = "array";
      out["minItems"] = 1;
      out["items"] = {{"type", "number"}};
      add_range(key, out["items"]);
      break;
    case Kind::texts:
      out["type"] = "array";
      out["minItems"] = 1;
      out["uniqueItems"] = true;
      out["items"] = {{"type", "string"}, {"minLength", 1}};
      break;
    case Kind::reals_or_choice: {
      Key list = key;
      list.kind = Kind::reals;
      Json numbers = key_schema(list);
      numbers.erase("description");
      out["oneOf"] = {numbers, {{"enum", key.choices}}};
      break;
    }
    case Kind::interval:
      out["type"] = "string";
      out["pattern"] = "^ *([0-9]+(\\.[0-9]+)? *[a-z]+ *)+$";
      break;
    case Kind::bytes:
    case Kind::index_or_text:
      out["type"] = {"integer", "string"};
      add_range(key, out);
      break;
  }
  const Reading reading = read_default(key);
  if (key.default_value) out["default"] = value_json(key.kind, reading.value);
  return out;
}

Json table_schema(const std::string& sentence, const std::vector<Key>& keys) {
  Json out{{"description", sentence}, {"type", "object"}, {"properties", Json::object()}};
  for (const Key& key : keys) {
    out["properties"][key.name] = key_schema(key);
    if (!key.old_name.empty()) {
      out["properties"][key.old_name] = key_schema(key);
      out["properties"][key.old_name]["deprecated"] = true;
    }
    if (key.required) out["required"].push_back(key.name);
  }
  out["additionalProperties"] = false;
  return out;
}

/// A typed section is one of its components, told apart by the value of `type`.
Json typed_schema(const Section& section, const Catalogue& catalogue) {
  Json out{{"description", section.sentence}, {"oneOf", Json::array()}};
  for (const Component& component : catalogue.*section.components) {
    Json table = table_schema(component.sentence, keys_of(section, &component, catalogue));
    Json& type = table["properties"]["type"];
    type.erase("enum");
    type["const"] = component.type;
    const bool may_leave_out = component.type == section.default_type;
    if (!may_leave_out && !section.default_type.empty()) table["required"].push_back("type");
    out["oneOf"].push_back(table);
  }
  return out;
}

Json section_schema(const Section& section, const Catalogue& catalogue) {
  Json out = section.components == nullptr ? table_schema(section.sentence, section.keys)
                                           : typed_schema(section, catalogue);
  if (section.name == "run") {
    out["oneOf"] = {{{"required", {"epochs"}}}, {{"required", {"steps"}}}};
  }
  if (!section.array) return out;
  return {{"type", "array"}, {"minItems", section.name == "layer" ? 1 : 0}, {"items", out}};
}

}  // namespace

std::string json_schema(const Catalogue& catalogue) {
  Json out{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
           {"title", "Lockstep configuration"},
           {"type", "object"},
           {"properties", Json::object()},
           {"required", {"run", "data", "layer", "loss", "optimizer"}},
           {"additionalProperties", false}};
  for (const Section& section : sections()) {
    out["properties"][section.name] = section_schema(section, catalogue);
  }
  return out.dump(2) + "\n";
}

}  // namespace lockstep::config
