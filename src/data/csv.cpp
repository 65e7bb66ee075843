#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "data/loaders.hpp"
#include "data/number_array.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

constexpr std::string_view kWhiteSpace = " \t";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

/// A field that is a number as a whole; out of range counts as infinite.
std::optional<double> number_in(std::string_view field) {
  if (field.starts_with('+')) field.remove_prefix(1);
  double number = 0.0;
  const char* end = field.data() + field.size();
  const auto [stop, error] = std::from_chars(field.data(), end, number);
  if (error == std::errc::result_out_of_range) return std::numeric_limits<double>::infinity();
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

/// Goes through the lines of a text file and cuts each into fields.
class LineReader {
 public:
  explicit LineReader(const DataFile& file)
      : path_(file.path),
        rest_(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()) {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
    const std::size_t last =
        rest_.find_last_not_of(" \t\r\n");  // blank lines at the end do no harm
    rest_ = rest_.substr(0, last == std::string_view::npos ? 0 : last + 1);
  }

  /// Reads the next line; false at the end.
  bool next() {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    ++number_;
    return true;
  }

  /// The delimiter of the current line: the first of tab, semicolon, comma that occurs, else white
  /// space.
  [[nodiscard]] char guess_delimiter() const {
    for (const char candidate : {'\t', ';', ','}) {
      if (line_.find(candidate) != std::string_view::npos) return candidate;
    }
    return ' ';
  }

  /// Cuts the current line. A field in double quotes may hold the delimiter; two quotes in it stand
  /// for one.
  void split(char delimiter, std::vector<std::string_view>& fields) const {
    fields.clear();
    std::string_view rest = delimiter == ' ' ? trimmed(line_) : line_;
    while (true) {
      fields.push_back(take_field(rest, delimiter, fields.size() + 1));
      if (rest.empty()) return;
      rest.remove_prefix(1);
      if (delimiter == ' ') rest = trimmed(rest);
    }
  }

  [[noreturn]] void reject(std::size_t column, const std::string& reason) const {
    throw Error(ExitCode::bad_data,
                fmt::format("{}:{}: column {}: {}", path_, number_, column, reason));
  }

 private:
  /// Moves a field from the start of `rest`, which then starts with the delimiter or is empty.
  std::string_view take_field(std::string_view& rest, char delimiter, std::size_t column) const {
    const std::size_t begin = rest.find_first_not_of(' ');
    if (begin != std::string_view::npos && rest[begin] == '"') {
      std::size_t end = rest.find('"', begin + 1);
      while (end != std::string_view::npos && rest.substr(end + 1).starts_with('"')) {
        end = rest.find('"', end + 2);
      }
      if (end == std::string_view::npos)
        reject(column, "expected a closing quote on the same line");
      const std::string_view field = rest.substr(begin + 1, end - begin - 1);
      const std::size_t next = find_delimiter(rest.substr(end + 1), delimiter);
      if (!trimmed(rest.substr(end + 1, next)).empty()) {
        reject(column, "expected a delimiter after a closing quote");
      }
      rest.remove_prefix(std::min(rest.size(), end + 1 + std::min(next, rest.size())));
      return field;
    }
    const std::size_t next = std::min(rest.size(), find_delimiter(rest, delimiter));
    const std::string_view field = trimmed(rest.substr(0, next));
    rest.remove_prefix(next);
    return field;
  }

  static std::size_t find_delimiter(std::string_view text, char delimiter) {
    return delimiter == ' ' ? text.find_first_of(kWhiteSpace) : text.find(delimiter);
  }

  const std::string& path_;
  std::string_view rest_;
  std::string_view line_;
  std::size_t number_ = 0;
};

std::string without_doubled_quotes(std::string_view field) {
  std::string name(field);
  for (std::size_t at = 0; (at = name.find("\"\"", at)) != std::string::npos; ++at)
    name.erase(at, 1);
  return name;
}

/// Header: asked for, or no field of the first line is a number. A line with some numbers is data
/// with a mistake.
bool has_header(const Source& source, const std::vector<std::string_view>& first) {
  if (source.header.has_value()) return *source.header;
  return std::ranges::none_of(first, [](auto field) { return number_in(field).has_value(); });
}

/// The numbers of a text table, the columns of targets and weights apart.
struct Table {
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  std::vector<std::string> names;
  std::size_t columns = 0;
  std::size_t target = kNone;
  std::size_t weight = kNone;
  std::vector<float> inputs;
  std::vector<double> targets;
  std::vector<double> weights;

  [[nodiscard]] bool is_input(std::size_t column) const {
    return column != target && column != weight;
  }
};

/// The column, by number (negative: from the end) or name, that holds `what`.
std::size_t find_column(const std::variant<Index, std::string>& column, std::string_view what,
                        const DataFile& file, const Table& table) {
  const std::vector<std::string>& names = table.names;
  if (const auto* name = std::get_if<std::string>(&column)) {
    const auto found = std::ranges::find(names, *name);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    throw Error(
        ExitCode::bad_data,
        fmt::format("{}: expected a {} column named \"{}\", found {}", file.path, what, *name,
                    names.empty() ? "no header; give the column's number" : "none in the header"));
  }
  const Index count = static_cast<Index>(table.columns);
  const Index number = std::get<Index>(column);
  if (number < -count || number >= count) {
    throw Error(ExitCode::bad_data, fmt::format("{}: expected a {} column from {} to {}, found {}",
                                                file.path, what, -count, count - 1, number));
  }
  return static_cast<std::size_t>(number < 0 ? number + count : number);
}

double parse_field(const LineReader& lines, std::size_t column, std::string_view field) {
  if (field.empty()) lines.reject(column, "expected a number, found an empty field");
  const std::optional<double> number = number_in(field);
  if (!number.has_value()) {
    lines.reject(column, fmt::format("expected a number, found \"{}\"", field.substr(0, 40)));
  }
  if (!(std::abs(*number) <= double{std::numeric_limits<float>::max()})) {
    lines.reject(column, fmt::format("expected a finite number of at most 3.4e38, found \"{}\"",
                                     field.substr(0, 40)));
  }
  return *number;
}

void append_row(const LineReader& lines, const std::vector<std::string_view>& fields, bool labels,
                const std::optional<Index>& ignored, Table& table) {
  if (fields.size() != table.columns) {
    lines.reject(fields.size(), fmt::format("expected {} columns as in the first line, found {}",
                                            table.columns, fields.size()));
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const double number = parse_field(lines, i + 1, fields[i]);
    if (i == table.weight) {
      table.weights.push_back(number);
    } else if (i != table.target) {
      table.inputs.push_back(static_cast<float>(number));
    } else if (labels && !is_label(number) && number != static_cast<double>(ignored.value_or(0))) {
      lines.reject(i + 1, fmt::format("expected a class label, an integer from 0 to 2147483647; "
                                      "found \"{}\"{}",
                                      fields[i], label_hint(number)));
    } else {
      table.targets.push_back(number);
    }
  }
}

Table parse(const Source& source, const DataFile& file) {
  Table table;
  LineReader lines(file);
  if (!lines.next())
    throw Error(ExitCode::bad_data, fmt::format("{}: the file is empty", file.path));
  const char delimiter = source.delimiter.value_or(lines.guess_delimiter());
  std::vector<std::string_view> fields;
  lines.split(delimiter, fields);
  table.columns = fields.size();
  const bool with_target =
      !source.inputs_only || static_cast<Index>(table.columns) > source.input_columns;
  const bool with_weights =
      source.weighted() &&
      (!source.inputs_only || static_cast<Index>(table.columns) > source.input_columns + 1);
  if (const std::size_t least = 1 + with_target + with_weights; table.columns < least) {
    lines.reject(
        1, fmt::format(
               "expected at least {} columns, inputs{}, found {}{}", least,
               with_weights ? ", a target and weights" : " and a target", table.columns,
               file.path.ends_with(".txt") ? R"(; if it is a text, set data.type = "text")" : ""));
  }
  bool more = true;
  if (has_header(source, fields)) {
    std::ranges::transform(fields, std::back_inserter(table.names), without_doubled_quotes);
    more = lines.next();
  }
  if (with_target) table.target = find_column(source.target, "target", file, table);
  if (with_weights) {
    table.weight = find_column(source.weights, "weight", file, table);
    if (table.weight == table.target) {
      throw Error(ExitCode::config, fmt::format("{}: data.target and data.weights are both column "
                                                "{}",
                                                file.path, table.target));
    }
  }
  for (; more; more = lines.next()) {
    lines.split(delimiter, fields);
    append_row(lines, fields, source.classification && !source.inputs_only, source.ignore_label,
               table);
  }
  return table;
}

}  // namespace

Dataset load_csv(const Source& source, const DataFile& file) {
  const Table table = parse(source, file);
  std::vector<std::string> names;
  Index width = 0;
  for (std::size_t column = 0; column < table.columns; ++column) {
    if (!table.is_input(column)) continue;
    ++width;
    if (!table.names.empty()) names.push_back(table.names[column]);
  }
  const auto rows = static_cast<Index>(table.inputs.size()) / width;
  const NumberArray inputs{file.path,
                           {rows, width},
                           NumberType::f32,
                           std::endian::native,
                           std::as_bytes(std::span(table.inputs))};
  const auto column_of = [&](const std::vector<double>& numbers) {
    return NumberArray{file.path,
                       {rows},
                       NumberType::f64,
                       std::endian::native,
                       std::as_bytes(std::span(numbers)),
                       /*channels_first=*/false,
                       source.ignore_label};
  };
  std::optional<NumberArray> weights;
  if (table.weight != Table::kNone) weights = column_of(table.weights);
  Dataset dataset = source.inputs_only ? make_dataset(inputs, source.classification)
                                       : make_dataset(inputs, column_of(table.targets), weights,
                                                      source.classification);
  dataset.set_column_names(std::move(names));
  return dataset;
}

}  // namespace lockstep
