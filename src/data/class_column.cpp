#include "data/class_column.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "data/number_array.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/printable.hpp"

namespace lockstep {
namespace {

/// How tables say that there is nothing.
bool is_missing(const TableField& field) {
  constexpr std::array<std::string_view, 8> kMissing = {"",    "NA",   "N/A",  "nan",
                                                        "NaN", "null", "NULL", "?"};
  return std::ranges::find(kMissing, field.text) != kMissing.end();
}

/// A number with a comma, an apostrophe or a blank in it is no word.
bool looks_like_number(std::string_view text) {
  return text.find_first_of("0123456789") != std::string_view::npos &&
         text.find_first_not_of("0123456789+-.,' ") == std::string_view::npos &&
         text.find_first_of(".,' ") != std::string_view::npos;
}

}  // namespace

ClassColumn::ClassColumn(const std::optional<std::vector<std::string>>& names,
                         std::optional<Index> ignored)
    : ignored_(ignored),
      words_(names && !names->empty()),
      settled_(names.has_value()),
      known_(names.has_value()) {
  if (!names) return;
  for (const std::string& name : *names) numbers_.try_emplace(name, numbers_.size());
}

void ClassColumn::add(const TableReader& lines, std::size_t place) {
  const TableField& field = lines.fields()[place];
  const std::optional<double> number = field.number();
  if (ignored_ && number && *number == static_cast<double>(*ignored_)) {
    labels_.push_back(std::numeric_limits<double>::quiet_NaN());
    return;
  }
  if (!settled_) words_ = !number && !is_missing(field);
  settled_ = true;
  labels_.push_back(words_ ? add_word(lines, place)
                           : add_number(lines, place, number.value_or(-1)));
}

double ClassColumn::add_word(const TableReader& lines, std::size_t place) {
  const TableField& field = lines.fields()[place];
  const std::string word = field.plain();
  if (const auto found = numbers_.find(word); found != numbers_.end()) {
    return static_cast<double>(found->second);
  }
  const std::string_view shown = field.text.substr(0, 40);
  if (is_missing(field)) {
    lines.reject(place + 1,
                 fmt::format("expected the name of a class, found {}",
                             field.text.empty() ? "an empty field" : fmt::format("\"{}\"", shown)));
  }
  if (known_) {
    lines.reject(place + 1, fmt::format("expected a class of the training data, {}; found \"{}\"",
                                        fmt::join(names(), ", "), shown));
  }
  if (has_controls(word)) {
    lines.reject(place + 1, fmt::format("expected the name of a class without control characters; "
                                        "found \"{}\"",
                                        printable(shown)));
  }
  if (field.number() || looks_like_number(word)) {
    lines.reject(place + 1, fmt::format("expected the name of a class, a word as in the lines "
                                        "above; found \"{}\"",
                                        shown));
  }
  return static_cast<double>(numbers_.try_emplace(word, numbers_.size()).first->second);
}

double ClassColumn::add_number(const TableReader& lines, std::size_t place, double number) {
  const TableField& field = lines.fields()[place];
  if (is_label(number)) return number;
  lines.reject(place + 1,
               fmt::format("expected a class label, an integer from 0 to 2147483647{}; found {}{}",
                           known_ && !field.number() ? ", as in the training data" : "",
                           field.text.empty() ? "an empty field"
                                              : fmt::format("\"{}\"", field.text.substr(0, 40)),
                           field.number() ? label_hint(number) : ""));
}

std::vector<std::string> ClassColumn::names() const {
  if (!words_) return {};
  std::vector<std::string> names(numbers_.size());
  if (!known_) {  // in the order of the map
    std::ranges::transform(numbers_, names.begin(), [](const auto& entry) { return entry.first; });
    return names;
  }
  for (const auto& [name, number] : numbers_) names[number] = name;
  return names;
}

std::optional<Index> ClassColumn::ignored() const {
  if (!ignored_) return {};
  return words_ ? Index{-1} : *ignored_;
}

std::vector<double> ClassColumn::labels() const {
  std::vector<double> place(numbers_.size());
  double next = 0;
  for (const auto& [name, number] : numbers_) place[number] = next++;
  std::vector<double> labels = labels_;
  for (double& label : labels) {
    if (std::isnan(label)) {
      label = static_cast<double>(*ignored());
    } else if (words_ && !known_) {
      label = place[static_cast<std::size_t>(label)];
    }
  }
  return labels;
}

}  // namespace lockstep
