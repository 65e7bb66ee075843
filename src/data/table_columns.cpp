#include "data/table_columns.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string_view>
#include <unordered_set>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

constexpr std::size_t kNone = TableColumns::kNone;

std::string quoted(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 20;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) {
    texts.push_back(fmt::format("\"{}\"", names[i]));
  }
  if (names.size() > kMost) texts.push_back(fmt::format("and {} more", names.size() - kMost));
  return fmt::format("{}", fmt::join(texts, ", "));
}

[[noreturn]] void reject(const std::string& path, const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("{}: {}", path, reason));
}

/// Where the name is in the header, or kNone.
/// Errors: bad_data if it is there twice.
std::size_t place_of(const std::string& name, const TableHead& head, const std::string& path) {
  const auto first = std::ranges::find(head.names, name);
  if (first == head.names.end()) return kNone;
  const auto second = std::find(first + 1, head.names.end(), name);
  const auto number = [&](auto at) { return at - head.names.begin() + 1; };
  if (second == head.names.end()) return static_cast<std::size_t>(number(first) - 1);
  reject(path, fmt::format("columns {} and {} are both called \"{}\": it cannot be told which is "
                           "meant\n  give each column a name of its own",
                           number(first), number(second), name));
}

/// Columns that hold something.
std::size_t width_of(const TableHead& head) { return head.columns - (head.open_end ? 1 : 0); }

/// The column, by number (negative: from the end) or name, that holds `what`.
std::size_t find_column(const std::variant<Index, std::string>& column, std::string_view what,
                        const std::string& path, const TableHead& head) {
  if (const auto* name = std::get_if<std::string>(&column)) {
    const std::size_t place = place_of(*name, head, path);
    if (place != kNone) return place;
    reject(path, fmt::format("expected a {} column named \"{}\", found {}", what, *name,
                             head.names.empty() ? "no header; give the column's number"
                                                : "none in the header: " + quoted(head.names)));
  }
  const auto count = static_cast<Index>(width_of(head));
  const Index number = std::get<Index>(column);
  if (number < -count || number >= count) {
    reject(path, fmt::format("expected a {} column from {} to {}, found {}", what, -count,
                             count - 1, number));
  }
  return static_cast<std::size_t>(number < 0 ? number + count : number);
}

/// All columns are inputs but those of target and weights.
TableColumns by_place(const Source& source, const TableHead& head, const TableReader& lines) {
  TableColumns columns;
  const std::size_t width = width_of(head);
  const auto more_than = [&](Index count) { return static_cast<Index>(width) > count; };
  const bool with_target = !source.inputs_only || more_than(source.input_columns);
  const bool with_weights =
      source.weighted() && (!source.inputs_only || more_than(source.input_columns + 1));
  if (const std::size_t least = 1 + with_target + with_weights; width < least) {
    const std::string& path = lines.path();
    lines.reject(
        1,
        fmt::format("expected at least {} columns, inputs{}, found {}{}", least,
                    with_weights ? ", a target and weights" : " and a target", width,
                    path.ends_with(".txt") ? R"(; if it is a text, set data.type = "text")" : ""));
  }
  if (with_target) columns.target = find_column(source.target, "target", lines.path(), head);
  if (with_weights) {
    columns.weight = find_column(source.weights, "weight", lines.path(), head);
    if (columns.weight == columns.target) {
      throw Error(ExitCode::config,
                  fmt::format("{}: data.target and data.weights are both column {}", lines.path(),
                              columns.target));
    }
  }
  for (std::size_t i = 0; i < width; ++i) {
    if (i != columns.target && i != columns.weight) columns.inputs.push_back(i);
  }
  return columns;
}

/// A name that says that the column is one. `id` at the end counts as a word of its own only.
bool is_name_of_number(const std::string& name) {
  constexpr std::array<std::string_view, 7> kNumberNames = {"",    "id",    "index", "unnamed: 0",
                                                            "row", "rowid", "uuid"};
  std::string low = name;
  std::ranges::transform(low, low.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::ranges::find(kNumberNames, low) != kNumberNames.end()) return true;
  if (!low.ends_with("id")) return false;
  const char before = name[name.size() - 3];
  return before == '_' || before == ' ' || before == '-' ||
         (name[name.size() - 2] == 'I' && std::islower(static_cast<unsigned char>(before)) != 0);
}

/// True if the first column has another whole number or word in each line from the next one on.
bool numbers_the_lines(TableReader lines) {
  std::unordered_set<std::string_view> seen;  // of what the reader keeps in memory
  while (lines.next()) {
    const TableField& field = lines.fields().front();
    const std::optional<double> number = field.number();
    if (number && *number != std::floor(*number)) return false;
    if (!seen.insert(field.text).second) return false;
  }
  return !seen.empty();
}

/// An id in front is no input.
void leave_out_number(const TableHead& head, const TableReader& lines, TableColumns& columns,
                      FileNotes& notes) {
  const std::string& name = head.names.front();
  if (columns.inputs.size() < 2 || columns.inputs.front() != 0 || !is_name_of_number(name)) return;
  const std::string column =
      name.empty() ? "the first column, which has no name," : fmt::format("column \"{}\"", name);
  if (numbers_the_lines(lines)) {
    columns.inputs.erase(columns.inputs.begin());
    notes.add(lines.path(), column +
                                " is different in each line: it names the samples and is no "
                                "input (under another name it is one)");
  } else {
    notes.add(lines.path(),
              column + " is an input; if it only says which sample it is, take it out of the file");
  }
}

TableColumns of_training(const Source& source, const TableHead& head, const TableReader& lines,
                         FileNotes& notes) {
  TableColumns columns = by_place(source, head, lines);
  if (head.names.empty()) return columns;
  leave_out_number(head, lines, columns, notes);
  const auto name = [&](std::size_t place) {
    static_cast<void>(place_of(head.names[place], head, lines.path()));
    return head.names[place];
  };
  std::ranges::transform(columns.inputs, std::back_inserter(columns.names.inputs), name);
  if (columns.target != kNone) columns.names.target = name(columns.target);
  if (columns.weight != kNone) columns.names.weights = name(columns.weight);
  return columns;
}

}  // namespace

TableColumns columns_by_name(const Source& source, const TableHead& head, const std::string& path,
                             FileNotes& notes) {
  TableColumns columns;
  columns.names = *source.columns;
  std::vector<std::string> missing;
  const auto find = [&](const std::string& name, bool needed) {
    const std::size_t place = place_of(name, head, path);
    if (place == kNone && needed) missing.push_back(name);
    return place;
  };
  for (const std::string& name : columns.names.inputs) columns.inputs.push_back(find(name, true));
  const std::size_t target = find(columns.names.target, !source.inputs_only);
  const std::size_t weight =
      source.weighted() ? find(columns.names.weights, !source.inputs_only) : kNone;
  if (!missing.empty()) {
    reject(path, fmt::format("expected {} {} as in the training data, found {}",
                             missing.size() == 1 ? "a column" : "columns", quoted(missing),
                             quoted(head.names)));
  }
  if (!source.inputs_only) columns.target = target;
  if (!source.inputs_only) columns.weight = weight;
  std::vector<std::string> others;
  for (std::size_t i = 0; i < width_of(head); ++i) {
    if (i == target || i == weight || head.names[i] == columns.names.weights) continue;
    if (std::ranges::find(columns.inputs, i) == columns.inputs.end())
      others.push_back(head.names[i]);
  }
  if (!others.empty()) {
    notes.add(path, fmt::format("{} left out, for the training data has no such input{}",
                                (others.size() == 1 ? "column " : "columns ") + quoted(others) +
                                    (others.size() == 1 ? " is" : " are"),
                                others.size() == 1 ? "" : "s"));
  }
  return columns;
}

std::string taken_by_place(const ColumnNames& training) {
  return fmt::format("its columns have no names; they are taken by place, for {}",
                     quoted(training.inputs));
}

TableColumns find_columns(const Source& source, const TableHead& head, const TableReader& lines,
                          FileNotes& notes) {
  if (!head.note.empty()) notes.add(lines.path(), head.note);
  if (head.open_end) notes.add(lines.path(), "each line ends with a delimiter: nothing follows");
  if (!source.columns) return of_training(source, head, lines, notes);
  const bool named = !head.names.empty();
  if (named && source.columns->known()) return columns_by_name(source, head, lines.path(), notes);
  TableColumns columns = by_place(source, head, lines);
  columns.names = *source.columns;
  if (named) {
    notes.add(lines.path(),
              "its columns have names, but there are none to compare them with: they are taken by "
              "place");
  } else if (source.columns->known()) {
    notes.add(lines.path(), taken_by_place(*source.columns));
  }
  return columns;
}

}  // namespace lockstep
