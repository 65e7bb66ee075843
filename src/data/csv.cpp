#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/class_column.hpp"
#include "data/loaders.hpp"
#include "data/number_array.hpp"
#include "data/table_columns.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

/// Why a field is no number, as far as that can be told.
std::string_view hint_for(std::string_view field, bool target) {
  const bool digits = field.find_first_of("0123456789") != std::string_view::npos;
  if (digits && field.find_first_not_of("0123456789+-.,eE' ") == std::string_view::npos) {
    return "; a number has a point before its decimals, and nothing between its thousands";
  }
  if (target) {
    return "; this loss takes numbers as targets; for classes use loss.type = \"cross_entropy\"";
  }
  return "; only labels, the column data.target, can be words";
}

double parse_number(const TableReader& lines, std::size_t place, bool target = false) {
  const TableField& field = lines.fields()[place];
  const std::string_view shown = field.text.substr(0, 40);
  if (field.text.empty()) lines.reject(place + 1, "expected a number, found an empty field");
  const std::optional<double> number = field.number();
  if (!number) {
    lines.reject(place + 1,
                 fmt::format("expected a number, found \"{}\"{}", shown, hint_for(shown, target)));
  }
  if (!(std::abs(*number) <= double{std::numeric_limits<float>::max()})) {
    lines.reject(place + 1,
                 fmt::format("expected a finite number of at most 3.4e38, found \"{}\"", shown));
  }
  return *number;
}

/// True if the number is written as an integer and may be beyond what doubles hold.
bool is_large_integer(const TableField& field, double number) {
  constexpr double kMostExact = 9007199254740992.0;  // 2^53
  return std::abs(number) > kMostExact && field.text.find_first_of(".eE") == std::string_view::npos;
}

/// The samples of one or more files, the columns of targets and weights apart.
class CsvTable {
 public:
  explicit CsvTable(const Source& source)
      : source_(source), classes_(source.class_names, source.ignore_label) {}

  /// Adds the samples of a file. The first one decides what the columns of the others are.
  void add(const DataFile& file) {
    TableReader lines(file, source_.delimiter);
    const TableHead head = read_head(source_, lines);
    TableColumns columns = find_columns(source_, head, lines, notes_);
    if (first_file_.empty()) {
      first_file_ = file.path;
      columns_ = columns;
      first_width_ = head.columns;
      if (!source_.columns) source_.columns = columns.names;
    } else if (head.names.empty() && head.columns == first_width_) {
      columns = columns_;
    }
    if (columns.inputs.size() != columns_.inputs.size()) {
      throw Error(
          ExitCode::bad_data,
          fmt::format("{}: expected samples and targets as in {}, {} columns; found {}", file.path,
                      first_file_, columns_.inputs.size(), columns.inputs.size()));
    }
    const Index before = rows_;
    files_.push_back({file.path, before});
    for (bool more = head.names.empty() || lines.next(); more; more = lines.next()) {
      add_row(lines, head, columns);
    }
    note_count(file, before);
    if (!head.names.empty() && rows_ == before && before > 0) {
      notes_.add(file.path, "it has a header and no sample");
    }
  }

  [[nodiscard]] Dataset dataset(const std::string& name) const {
    const auto array = [&](const std::vector<double>& numbers, std::vector<Index> dimensions) {
      return NumberArray{name, std::move(dimensions), NumberType::f64, std::endian::native,
                         std::as_bytes(std::span(numbers))};
    };
    NumberArray inputs = array(inputs_, {rows_, static_cast<Index>(columns_.inputs.size())});
    inputs.offsets = source_.input_offsets;
    inputs.names = columns_.names.inputs;
    inputs.integers = integers_;
    const std::vector<double> answers = source_.classification ? classes_.labels() : targets_;
    NumberArray targets = array(answers, {rows_});
    targets.offsets = source_.target_offsets;
    targets.ignored = source_.classification ? classes_.ignored() : source_.ignore_label;
    std::optional<NumberArray> weights;
    if (columns_.weight != TableColumns::kNone) weights = array(weights_, {rows_});
    Dataset data = source_.inputs_only
                       ? make_dataset(inputs, source_.classification)
                       : make_dataset(inputs, targets, weights, source_.classification);
    data.set_columns(columns_.names);
    if (files_.size() > 1) data.set_files(files_);
    if (source_.classification && !source_.inputs_only) data.set_class_names(classes_.names());
    data.add_notes(notes_.texts());
    return data;
  }

 private:
  void add_row(const TableReader& lines, const TableHead& head, const TableColumns& columns) {
    const std::vector<TableField>& fields = lines.fields();
    if (fields.size() != head.columns) {
      lines.reject(
          fields.size(),
          fmt::format("expected {} columns as in the first line, found {}", head.columns,
                      lines.blank() ? "a blank line; take it out" : std::to_string(fields.size())));
    }
    if (head.open_end && !fields.back().text.empty()) {
      lines.reject(fields.size(), fmt::format("expected nothing behind the last delimiter, as in "
                                              "the first line; found \"{}\"",
                                              fields.back().text.substr(0, 40)));
    }
    for (const std::size_t place : columns.inputs) {
      inputs_.push_back(parse_number(lines, place));
      integers_ = integers_ || is_large_integer(fields[place], inputs_.back());
    }
    counting_ = counting_ && counts_on(inputs_[inputs_.size() - columns.inputs.size()]);
    if (columns.weight != TableColumns::kNone) {
      weights_.push_back(parse_number(lines, columns.weight));
    }
    ++rows_;
    if (source_.inputs_only) return;
    if (source_.classification) {
      classes_.add(lines, columns.target);
    } else {
      targets_.push_back(parse_number(lines, columns.target, true));
    }
  }

  /// True if the first input of all rows so far is 0, 1, 2, ... or 1, 2, 3, ...
  [[nodiscard]] bool counts_on(double first_input) {
    if (rows_ == 0) first_count_ = first_input;
    return (first_count_ == 0 || first_count_ == 1) &&
           first_input == first_count_ + static_cast<double>(rows_);
  }

  // Of the first file: others may go on or begin anew.
  void note_count(const DataFile& file, Index before) {
    constexpr Index kFewest = 5;
    if (counting_ && before == 0 && rows_ >= kFewest && columns_.inputs.size() > 1) {
      notes_.add(file.path,
                 "the first input numbers the lines; if it only says which sample it is, "
                 "take it out of the file");
    }
    counting_ = false;
  }

  Source source_;
  std::string first_file_;
  std::size_t first_width_ = 0;
  TableColumns columns_;  ///< of the first file
  std::vector<FileOfSamples> files_;
  FileNotes notes_;
  Index rows_ = 0;
  bool integers_ = false;  ///< some input is a large integer
  bool counting_ = true;
  double first_count_ = 0;
  std::vector<double> inputs_, targets_, weights_;
  ClassColumn classes_;
};

}  // namespace

Dataset load_csv(const Source& source, const std::vector<std::string>& files) {
  CsvTable table(source);
  for (const std::string& file : files) table.add(read_data_file(file));
  return table.dataset(files.size() == 1 ? files.front() : source.path);
}

}  // namespace lockstep
