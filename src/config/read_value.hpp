#pragma once

#include <optional>

#include "config/document.hpp"
#include "lockstep/config/schema.hpp"

namespace lockstep::config {

/// What a TOML value means for a key: its value, or why it is refused.
struct Reading {
  Value value;
  std::string problem{};  ///< empty if the value is good
  std::string hint{};
};

/// Checks kind, choice and range. `raw` is the VALUE of an option, or empty: text needs no quotes
/// there.
[[nodiscard]] Reading read_value(const Key& key, const toml::node& node, const std::string& raw);

/// Reads the default of a key; monostate if it has none.
[[nodiscard]] Reading read_default(const Key& key);

}  // namespace lockstep::config
