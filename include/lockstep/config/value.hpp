#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep::config {

/// How often or how long: a number of steps, epochs or seconds.
struct Interval {
  enum class Unit { steps, epochs, seconds };

  double value = 0;
  Unit unit = Unit::steps;
  friend bool operator==(const Interval&, const Interval&) = default;
};

/// A column of a table: its number, or its name in the header.
using Column = std::variant<Index, std::string>;

/// One value of the configuration. Booleans, integers and byte counts, reals, texts and choices,
/// lists of reals, intervals, lists of texts; monostate where an optional key was not given.
using Value = std::variant<std::monostate, bool, Index, double, std::string, std::vector<double>,
                           Interval, std::vector<std::string>>;

/// Reads "250 steps", "1 epoch", "90 s", "10 minutes", "1h50m"; nothing if it is none of these.
/// Steps are whole.
[[nodiscard]] std::optional<Interval> parse_interval(std::string_view text);
/// Reads "64 KiB", "1 MiB", "4096" (bytes); units B, KiB, MiB, GiB and kB, MB, GB; nothing if it is
/// none of these.
[[nodiscard]] std::optional<Index> parse_bytes(std::string_view text);

/// The interval as one number and one unit: "250 steps", "1 epoch", "110 minutes". `parse_interval`
/// reads it back.
[[nodiscard]] std::string interval_text(const Interval& interval);
/// The count in the largest binary unit that divides it: "1 MiB", "1000 B".
[[nodiscard]] std::string bytes_text(Index bytes);
/// The shortest TOML float that reads back as the same number: always with a point or an exponent.
[[nodiscard]] std::string real_text(double value);
/// The text as a TOML basic string, quoted and escaped.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace lockstep::config
