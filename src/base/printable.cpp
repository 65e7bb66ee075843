#include "lockstep/base/printable.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace lockstep {
namespace {

/// The bytes that a first byte announces; 0 if no character begins with it.
std::size_t length_of(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF5) return 4;
  return 0;
}

struct Character {
  std::size_t bytes = 1;
  char32_t point = 0;
  bool valid = false;
};

/// The first character of a text that is not empty: one byte, if it is no UTF-8.
Character first_of(std::string_view text) {
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = length_of(first);
  if (length == 0 || length > text.size()) return {};
  if (length == 1) return {1, first, true};
  char32_t point = first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return {};
    point = point << 6 | (next & 0x3Fu);
  }
  const bool surrogate = point >= 0xD800 && point < 0xE000;
  if (point < kLeast[length] || surrogate || point > 0x10FFFF) return {};
  return {length, point, true};
}

/// Whether a terminal obeys a character, or hides it, instead of showing it.
bool is_command(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  const bool direction = c == 0x061C || c == 0x200E || c == 0x200F ||
                         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return control || direction || c == 0x2028 || c == 0x2029 || c == 0xFEFF;
}

/// Whether nothing is seen of a character.
bool is_unseen(char32_t c) {
  return c == ' ' || is_command(c) || c == 0xA0 || c == 0xAD || c == 0x1680 || c == 0x180E ||
         (c >= 0x2000 && c <= 0x200D) || c == 0x202F || (c >= 0x205F && c <= 0x2064) || c == 0x3000;
}

/// The distance from a large letter to its small one; 0 for other characters.
char32_t to_small(char32_t c) {
  const auto within = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (within('A', 'Z') || (within(0xC0, 0xDE) && c != 0xD7)) return 0x20;
  if (within(0x391, 0x3A9) || within(0x410, 0x42F)) return 0x20;
  if (within(0x400, 0x40F)) return 0x50;
  // Large and small ones in turn.
  return within(0x100, 0x137) || within(0x14A, 0x177) ? 1 - (c & 1) : 0;
}

std::string utf8(char32_t c) {
  if (c < 0x80) return {static_cast<char>(c)};
  return {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
}

std::string escape(const char* format, unsigned value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string escaped(const Character& c, unsigned char byte) {
  if (!c.valid || c.point < 0x80) {
    switch (c.valid ? c.point : 0xFF) {
      case '\n':
        return "\\n";
      case '\t':
        return "\\t";
      case '\r':
        return "\\r";
      default:
        return escape("\\x%02x", byte);
    }
  }
  return c.point < 0x100 ? escape("\\x%02x", c.point) : escape("\\u%04x", c.point);
}

template <typename Stays>
std::string filtered(std::string_view text, const Stays& stays) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = first_of(text);
    if (c.valid && (!is_command(c.point) || stays(text))) {
      out += text.substr(0, c.bytes);
    } else {
      out += escaped(c, static_cast<unsigned char>(text.front()));
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  return filtered(text, [](std::string_view) { return false; });
}

std::string printable_lines(std::string_view text) {
  return filtered(text, [](std::string_view rest) { return rest[0] == '\n' || rest[0] == '\t'; });
}

std::string printable_message(std::string_view text) {
  return filtered(text, [](std::string_view rest) { return rest.starts_with("\n  "); });
}

bool has_controls(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

std::string seen_letters(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character c = first_of(text);
    const char32_t distance = c.valid ? to_small(c.point) : 0;
    if (distance > 0) {
      out += utf8(c.point + distance);
    } else if (!c.valid || !is_unseen(c.point)) {
      out += text.substr(0, c.bytes);
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

std::string_view whole_characters(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    return length_of(byte) > back ? text.substr(0, text.size() - back) : text;
  }
  return text;
}

std::string printable_json(std::string_view json) {
  std::string out;
  while (!json.empty()) {
    const Character c = first_of(json);
    // Those below 0x20 are escaped by every writer of JSON where they are in a text.
    if (c.valid && c.point >= 0x7F && is_command(c.point)) {
      out += escape("\\u%04x", c.point);
    } else {
      out += json.substr(0, c.bytes);
    }
    json.remove_prefix(c.bytes);
  }
  return out;
}

}  // namespace lockstep
