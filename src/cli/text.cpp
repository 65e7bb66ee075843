#include "cli/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "lockstep/base/printable.hpp"
#include "lockstep/nn/metric.hpp"

namespace lockstep::cli {
namespace {

std::string clock_text(double seconds, bool tenths) {
  const double unit = tenths ? 10.0 : 1.0;
  const auto units = static_cast<std::uint64_t>(std::llround(std::max(0.0, seconds) * unit));
  const std::uint64_t whole = units / static_cast<std::uint64_t>(unit);
  const std::uint64_t minutes = whole / 60;
  if (minutes >= 60) return fmt::format("{}:{:02}:{:02}", minutes / 60, minutes % 60, whole % 60);
  if (!tenths) return fmt::format("{}:{:02}", minutes, whole % 60);
  return fmt::format("{}:{:02}.{}", minutes, whole % 60, units % 10);
}

/// $'...', in which nothing but letters, digits and the like stand for themselves.
std::string ansi_quoted(const std::string& argument) {
  std::string quoted = "$'";
  for (const char c : argument) {
    const bool safe = c >= ' ' && c < '\x7f' && c != '\'' && c != '\\';
    quoted += safe ? std::string(1, c)
                   : fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return quoted + "'";
}

}  // namespace

std::string thousands(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t left = digits.size(); left > 3; left -= 3) digits.insert(left - 3, ",");
  return digits;
}

std::string thousands(Index value) {
  const std::string digits = thousands(static_cast<std::uint64_t>(value < 0 ? -value : value));
  return value < 0 ? "-" + digits : digits;
}

std::string plural(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", thousands(count), noun, count == 1 ? "" : "s");
}

std::string significant(double value) {
  if (std::abs(value) >= 1000 && std::abs(value) < 1e9) {
    return thousands(static_cast<Index>(std::llround(value)));
  }
  return fmt::format("{:#.4g}", value);
}

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

std::string rate(double per_second) {
  if (per_second >= 999'950) return fmt::format("{:.1f}M", per_second / 1e6);
  if (per_second >= 999.5) return fmt::format("{:.1f}k", per_second / 1e3);
  return fmt::format("{:.0f}", per_second);
}

std::string byte_size(Index bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; size >= 1023.95 && unit < 3; ++unit) size /= 1024;
  return fmt::format("{:.1f} {}iB", size, "KMGT"[unit]);
}

std::string duration(double seconds) { return clock_text(seconds, seconds < 600); }

std::string whole_duration(double seconds) { return clock_text(seconds, false); }

std::string shape_text(const Shape& shape) {
  if (shape.positions() == 1) return fmt::format("{}", shape.channels);
  return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

std::string shape_text(const std::vector<Index>& shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, "x"));
}

std::string metric_text(std::string_view name, double value) {
  const bool is_fraction = metric_row(name).unit == MetricUnit::fraction;
  return fmt::format("{} {}", name, is_fraction ? percent(value) : significant(value));
}

std::string table(std::vector<std::vector<std::string>> rows, const std::vector<bool>& left) {
  for (auto& row : rows) {
    for (std::string& cell : row) cell = printable(cell);
  }
  std::vector<std::size_t> widths(left.size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += left[i] ? fmt::format("  {:<{}}", row[i], widths[i])
                      : fmt::format("  {:>{}}", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string shell_quoted(const std::string& argument) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:,+@%";
  if (!argument.empty() && argument.find_first_not_of(kSafe) == std::string::npos) return argument;
  if (printable(argument) != argument) return ansi_quoted(argument);
  std::string quoted = "'";
  for (const char c : argument) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace lockstep::cli
