#include "config/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "lockstep/config/value.hpp"

namespace lockstep::config {
namespace {

constexpr std::size_t kLongestName = 60;
constexpr std::size_t kShortestBeginning = 3;

/// Edit distance: insertions, deletions, substitutions and swaps of neighbours (optimal string
/// alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, substituted});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::vector<std::string_view> words_of(std::string_view name) {
  std::vector<std::string_view> words;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('_'), name.size());
    if (end > 0) words.push_back(name.substr(0, end));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return words;
}

}  // namespace

bool begin_alike(std::string_view a, std::string_view b) {
  return std::min(a.size(), b.size()) >= kShortestBeginning &&
         (a.starts_with(b) || b.starts_with(a));
}

std::string nearest(std::string_view name, std::span<const std::string> known) {
  if (name.size() > kLongestName) return {};
  std::size_t best = std::max<std::size_t>(1, name.size() / 3) + 1;
  std::string found;
  for (const std::string& candidate : known) {
    const std::size_t edits = distance(name, candidate);
    if (edits < best && edits < candidate.size()) {
      best = edits;
      found = candidate;
    }
  }
  if (!found.empty()) return found;

  const std::vector<std::string_view> words = words_of(name);
  std::string initials;
  for (const std::string_view word : words) initials += word.front();
  for (const std::string& candidate : known) {
    const bool is_word = std::find(words.begin(), words.end(), candidate) != words.end();
    if (is_word || (words.size() > 1 && candidate == initials)) return candidate;
  }
  for (const std::string& candidate : known) {
    if (begin_alike(name, candidate)) return candidate;
  }
  return {};
}

std::string suggestion(std::string_view name, std::span<const std::string> known) {
  const std::string near = nearest(name, known);
  if (!near.empty()) return fmt::format("did you mean '{}'?", near);
  return known.empty() ? "" : fmt::format("known: {}", joined(known, ", "));
}

std::string joined(std::span<const std::string> names, std::string_view separator) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += separator;
    text += name;
  }
  return text;
}

std::string shown(std::string_view name) {
  const bool cut = name.size() > kLongestName;
  if (cut) {
    std::size_t length = kLongestName;
    while (length > 0 && (static_cast<unsigned char>(name[length]) & 0xC0) == 0x80) --length;
    name = name.substr(0, length);
  }
  const std::string text = toml_string(name);
  return text.substr(1, text.size() - 2) + (cut ? "..." : "");
}

}  // namespace lockstep::config
