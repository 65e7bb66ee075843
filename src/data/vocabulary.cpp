#include "lockstep/data/vocabulary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <numeric>
#include <optional>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

constexpr std::uint32_t kLastCodePoint = 0x10FFFF;

/// Takes one character of UTF-8 from the front; nothing if it is malformed.
std::optional<std::uint32_t> take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || text.size() < length) return {};
  std::uint32_t point = length == 1 ? first : first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    point = point << 6 | (byte(i) & 0x3F);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xD800 && point < 0xE000;
  if (point < kSmallest[length] || point > kLastCodePoint || surrogate) return {};
  text.remove_prefix(length);
  return point;
}

std::string to_utf8(std::uint32_t point) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  const auto tail = [&](int shift) { return byte(0x80 | (point >> shift & 0x3F)); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xC0 | point >> 6), tail(0)};
  if (point < 0x10000) return {byte(0xE0 | point >> 12), tail(6), tail(0)};
  return {byte(0xF0 | point >> 18), tail(12), tail(6), tail(0)};
}

/// A character for messages.
std::string shown(std::uint32_t point) {
  const bool printable = point >= 0x20 && point != 0x7F && (point < 0x80 || point >= 0xA0);
  return printable ? fmt::format("'{}' (U+{:04X})", to_utf8(point), point)
                   : fmt::format("U+{:04X}", point);
}

/// Calls visit(code point, line, column) for each character, counting both from 1.
template <typename Visit>
void for_each_character(std::string_view text, const std::string& name, const Visit& visit) {
  Index line = 1, column = 1;
  while (!text.empty()) {
    const std::optional<std::uint32_t> point = take_character(text);
    if (!point) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}:{}: column {}: expected a character in UTF-8, found byte {:02x}; "
                              "convert the text, or set data.symbols = \"byte\" for training",
                              name, line, column, static_cast<unsigned char>(text.front())));
    }
    visit(*point, line, column);
    ++column;
    if (*point == '\n') {
      ++line;
      column = 1;
    }
  }
}

}  // namespace

Vocabulary Vocabulary::bytes() {
  Vocabulary all;
  all.bytewise_ = true;
  all.symbols_.resize(256);
  std::iota(all.symbols_.begin(), all.symbols_.end(), 0u);
  return all;
}

Vocabulary Vocabulary::of_text(std::string_view text, const std::string& name) {
  std::vector<bool> occurs;
  for_each_character(text, name, [&](std::uint32_t point, Index, Index) {
    if (point >= occurs.size()) occurs.resize(point + 1);
    occurs[point] = true;
  });
  Vocabulary found;
  for (std::uint32_t point = 0; point < occurs.size(); ++point) {
    if (occurs[point]) found.symbols_.push_back(point);
  }
  return found;
}

Vocabulary Vocabulary::stored(bool bytewise, std::vector<std::uint32_t> code_points) {
  Vocabulary vocabulary;
  vocabulary.bytewise_ = bytewise;
  vocabulary.symbols_ = std::move(code_points);
  const auto& points = vocabulary.symbols_;
  const bool ascends = std::ranges::adjacent_find(points, std::greater_equal<>()) == points.end();
  if (!ascends || (!points.empty() && points.back() > kLastCodePoint) ||
      (bytewise && vocabulary != bytes())) {
    throw Error(ExitCode::bad_data, "vocabulary: expected ascending code points, or all 256 bytes");
  }
  return vocabulary;
}

std::vector<std::int32_t> Vocabulary::encode(std::string_view text, const std::string& name) const {
  std::vector<std::int32_t> numbers;
  numbers.reserve(text.size());
  if (bytewise_) {
    for (const char c : text) numbers.push_back(static_cast<unsigned char>(c));
    return numbers;
  }
  for_each_character(text, name, [&](std::uint32_t point, Index line, Index column) {
    const auto found = std::ranges::lower_bound(symbols_, point);
    if (found == symbols_.end() || *found != point) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}:{}: column {}: expected one of the {} characters of the training "
                              "text, found {}; leave it out, or train with data.symbols = \"byte\"",
                              name, line, column, symbols_.size(), shown(point)));
    }
    numbers.push_back(static_cast<std::int32_t>(found - symbols_.begin()));
  });
  return numbers;
}

std::string Vocabulary::decode(std::int32_t symbol) const {
  assert(symbol >= 0 && symbol < size());
  const std::uint32_t point = symbols_[static_cast<std::size_t>(symbol)];
  return bytewise_ ? std::string(1, static_cast<char>(point)) : to_utf8(point);
}

}  // namespace lockstep
