#include "lockstep/config/value.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace lockstep::config {
namespace {

/// Largest count of steps or seconds: below it every integer has its own double.
constexpr double kMaxInterval = 9007199254740992.0;

struct TimeUnit {
  std::string_view name;
  double seconds;
};
constexpr std::array<TimeUnit, 11> kTimeUnits{{{"s", 1},
                                               {"sec", 1},
                                               {"second", 1},
                                               {"seconds", 1},
                                               {"m", 60},
                                               {"min", 60},
                                               {"minute", 60},
                                               {"minutes", 60},
                                               {"h", 3600},
                                               {"hour", 3600},
                                               {"hours", 3600}}};

struct ByteUnit {
  std::string_view name;
  Index bytes;
};
/// The binary ones first and the largest first: `bytes_text` takes the first that divides.
constexpr std::array<ByteUnit, 7> kByteUnits{{{"GiB", Index{1} << 30},
                                              {"MiB", Index{1} << 20},
                                              {"KiB", Index{1} << 10},
                                              {"B", 1},
                                              {"GB", 1'000'000'000},
                                              {"MB", 1'000'000},
                                              {"kB", 1'000}}};

void skip_spaces(std::string_view& rest) {
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Takes a decimal number without sign and exponent from the front.
std::optional<double> take_number(std::string_view& rest) {
  skip_spaces(rest);
  if (rest.empty() || !is_digit(rest.front())) return std::nullopt;
  double value = 0;
  const auto [end, error] =
      std::from_chars(rest.data(), rest.data() + rest.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || value > kMaxInterval) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return value;
}

std::string_view take_word(std::string_view& rest) {
  skip_spaces(rest);
  std::size_t length = 0;
  while (length < rest.size() && is_letter(rest[length])) ++length;
  const std::string_view word = rest.substr(0, length);
  rest.remove_prefix(length);
  skip_spaces(rest);
  return word;
}

std::optional<double> seconds_of(std::string_view unit) {
  for (const TimeUnit& known : kTimeUnits) {
    if (known.name == unit) return known.seconds;
  }
  return std::nullopt;
}

/// Without an exponent, for `take_number` takes none.
std::string counted(double value, std::string_view unit) {
  std::array<char, 512> digits;  // the longest double has 343 characters
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed)
          .ptr;
  return fmt::format("{} {}{}", std::string_view(digits.data(), end), unit, value == 1 ? "" : "s");
}

}  // namespace

std::optional<Interval> parse_interval(std::string_view text) {
  double seconds = 0;
  bool first = true;
  do {
    const std::optional<double> number = take_number(text);
    if (!number) return std::nullopt;
    const std::string_view unit = take_word(text);
    const bool alone = first && text.empty();
    first = false;
    if (alone && (unit == "step" || unit == "steps") && *number == std::floor(*number)) {
      return Interval{*number, Interval::Unit::steps};
    }
    if (alone && (unit == "epoch" || unit == "epochs")) {
      return Interval{*number, Interval::Unit::epochs};
    }
    const std::optional<double> unit_seconds = seconds_of(unit);
    if (!unit_seconds) return std::nullopt;
    seconds += *number * *unit_seconds;
  } while (!text.empty());
  if (seconds > kMaxInterval) return std::nullopt;
  return Interval{seconds, Interval::Unit::seconds};
}

std::optional<Index> parse_bytes(std::string_view text) {
  skip_spaces(text);
  Index count = 0;
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const std::string_view unit = take_word(text);
  if (!text.empty()) return std::nullopt;
  if (unit.empty()) return count;
  for (const ByteUnit& known : kByteUnits) {
    if (known.name != unit) continue;
    if (count > std::numeric_limits<Index>::max() / known.bytes) return std::nullopt;
    return count * known.bytes;
  }
  return std::nullopt;
}

std::string interval_text(const Interval& interval) {
  const double value = interval.value;
  if (interval.unit == Interval::Unit::steps) return counted(value, "step");
  if (interval.unit == Interval::Unit::epochs) return counted(value, "epoch");
  if (value > 0 && std::fmod(value, 3600) == 0) return counted(value / 3600, "hour");
  if (value > 0 && std::fmod(value, 60) == 0) return counted(value / 60, "minute");
  return counted(value, "second");
}

std::string bytes_text(Index bytes) {
  for (const ByteUnit& unit : kByteUnits) {
    if (bytes >= unit.bytes && bytes % unit.bytes == 0) {
      return fmt::format("{} {}", bytes / unit.bytes, unit.name);
    }
  }
  return "0 B";
}

std::string real_text(double value) {
  std::string text = fmt::format("{}", value);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace lockstep::config
