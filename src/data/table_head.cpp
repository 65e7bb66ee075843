#include "data/table_head.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lockstep/base/error.hpp"
#include "lockstep/base/printable.hpp"

namespace lockstep {
namespace {

using Fields = std::vector<TableField>;

bool is_number(const TableField& field) { return field.number().has_value(); }

/// True if the numbers of the line are written 0, 1, 2, ... in a row, or so from another start.
bool counts(const Fields& fields, int start = 0) {
  int next = start;
  for (const TableField& field : fields) {
    if (is_number(field) && field.text != std::to_string(next++)) return false;
  }
  return next > start;
}

/// True if no number of the line has a decimal point or an exponent: years, places.
bool has_whole_numbers_only(const Fields& fields) {
  return std::ranges::none_of(fields, [](const TableField& field) {
    return is_number(field) && field.text.find_first_of(".eE") != std::string_view::npos;
  });
}

/// What the lines below the first have in its columns.
class Below {
 public:
  Below(const Fields& first, TableReader lines) : first_(first) {
    pointed_.assign(first.size(), true);
    repeated_.assign(first.size(), false);
    above_number_.assign(first.size(), false);
    for (; lines.next(); any_ = true) {
      const std::size_t width = std::min(first.size(), lines.fields().size());
      for (std::size_t i = 0; i < width; ++i) look_at(i, lines.fields()[i]);
    }
  }

  /// Some column has words only in the first line.
  [[nodiscard]] bool has_word_above_numbers() const {
    return std::ranges::find(above_number_, true) != above_number_.end();
  }
  /// No word of the first line is in its column again.
  [[nodiscard]] bool words_are_unique() const {
    for (std::size_t i = 0; i < first_.size(); ++i) {
      if (!is_number(first_[i]) && repeated_[i]) return false;
    }
    return any_;
  }
  /// Some number below stands without quotes.
  [[nodiscard]] bool has_bare_number() const { return bare_number_; }
  /// All numbers of some column have a decimal point, but the first.
  [[nodiscard]] bool has_pointed_column() const {
    return any_ && std::ranges::find(pointed_, true) != pointed_.end();
  }

 private:
  void look_at(std::size_t i, const TableField& field) {
    if (field.text.find('.') == std::string_view::npos) pointed_[i] = false;
    if (field.text == first_[i].text) repeated_[i] = true;
    if (!field.quoted && is_number(field)) bare_number_ = true;
    if (!is_number(first_[i]) && !first_[i].text.empty() && is_number(field)) {
      above_number_[i] = true;
    }
  }

  const Fields& first_;
  bool any_ = false;
  bool bare_number_ = false;
  std::vector<bool> pointed_, repeated_, above_number_;
};

std::string quoted_line(const Fields& fields) {
  constexpr std::size_t kMost = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(fields.size(), kMost); ++i) {
    text += (i == 0 ? "" : ",") + std::string(fields[i].text);
  }
  return fields.size() > kMost ? text + ",..." : text;
}

constexpr const char* kAsNames =
    "the first line, {}, is taken for names of columns; if it is a sample: data.header = \"no\"";
constexpr const char* kAsSample =
    "the first line, {}, is taken for a sample; if it has names of columns: data.header = \"yes\"";

/// Numbers are among the fields.
bool looks_like_header(const TableReader& lines, std::string& note) {
  const Fields& first = lines.fields();
  if (std::ranges::all_of(first, &TableField::quoted)) return Below(first, lines).has_bare_number();
  const bool mixed = !std::ranges::all_of(first, is_number);
  const bool counting = counts(first);
  // So may a sample: only what the column below it has makes it a header.
  if (!mixed && first.size() > 2 && counts(first, 1)) {
    const bool header = Below(first, lines).has_pointed_column();
    note = fmt::format(fmt::runtime(header ? kAsNames : kAsSample), quoted_line(first));
    return header;
  }
  if (!counting && !(mixed && has_whole_numbers_only(first))) return false;
  const Below below(first, lines);
  const bool header = !counting ? below.words_are_unique() && below.has_pointed_column()
                      : mixed   ? below.has_word_above_numbers() || below.words_are_unique()
                                : below.has_pointed_column() || first.size() > 2;
  const char* const sentence = header ? kAsNames : kAsSample;
  // A sample such as 0,yes is nothing strange.
  if (header || !mixed) note = fmt::format(fmt::runtime(sentence), quoted_line(first));
  return header;
}

/// A comment that is no line of the table; of a header it is the mark, which is no part of a name.
bool is_comment(const TableReader& lines) {
  const TableField& first = lines.fields().front();
  if (first.quoted || !first.text.starts_with('#')) return false;
  TableReader next = lines;
  return next.next() && (next.blank() || next.fields().size() != lines.fields().size());
}

std::vector<std::string> names_of(const TableReader& lines) {
  std::vector<std::string> names;
  for (const TableField& field : lines.fields()) {
    std::string name = field.plain();
    if (has_controls(name)) {
      lines.reject(names.size() + 1,
                   fmt::format("expected the name of a column without control characters; found "
                               "\"{}\"",
                               printable(name.substr(0, 40))));
    }
    if (names.empty() && !field.quoted && name.starts_with('#')) {
      name.erase(0, std::min(name.find_first_not_of("# "), name.size()));
    }
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

TableHead read_head(const Source& source, TableReader& lines) {
  if (!lines.next()) {
    throw Error(ExitCode::bad_data, fmt::format("{}: the file is empty", lines.path()));
  }
  while (is_comment(lines)) static_cast<void>(lines.next());
  if (lines.blank()) {
    lines.reject(1, "expected the names of columns or a sample, found a blank line; take it out");
  }
  const Fields& first = lines.fields();
  TableHead head;
  head.columns = first.size();
  head.open_end = first.size() > 1 && first.back().text.empty() && !first.back().quoted;
  const bool header =
      source.header ? *source.header
                    : std::ranges::none_of(first, is_number) || looks_like_header(lines, head.note);
  if (header) head.names = names_of(lines);
  return head;
}

}  // namespace lockstep
