#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/data/formats.hpp"

namespace lockstep {

/// One field of a table of text, without blanks around it.
struct TableField {
  std::string_view text;  ///< of a quoted field what stands between the quotes, as it stands there
  bool quoted = false;

  /// The text that is meant: two quotes within quotes are one.
  [[nodiscard]] std::string plain() const;
  /// The number that the field is as a whole, infinite if it is out of range.
  [[nodiscard]] std::optional<double> number() const;
};

/// Goes through a table of text line by line and cuts each into fields. Lines end with LF, CR LF or
/// CR; a byte-order mark, blank lines at the end and a line sep=X at the start, which names the
/// delimiter, are passed over. A field in double quotes may hold delimiters and ends of lines.
/// Copies are cheap: they go on from the same place.
class TableReader {
 public:
  /// `file` must outlive the reader. Unless a delimiter is given, it is the first of tab,
  /// semicolon, comma, bar that the first line has outside quotes; else white space, which a blank
  /// stands for.
  TableReader(const DataFile& file, std::optional<char> delimiter);

  /// Reads the next line; false at the end.
  /// Errors: bad_data naming line and column if a quote is not closed, or something else than a
  /// delimiter follows.
  bool next();
  [[nodiscard]] const std::vector<TableField>& fields() const { return fields_; }
  /// Nothing is in the line.
  [[nodiscard]] bool blank() const {
    return fields_.size() == 1 && fields_[0].text.empty() && !fields_[0].quoted;
  }
  [[nodiscard]] const std::string& path() const { return *path_; }
  /// Errors: bad_data naming the current line and the column, from 1; always.
  [[noreturn]] void reject(std::size_t column, const std::string& reason) const;

 private:
  [[nodiscard]] char guess_delimiter() const;
  [[nodiscard]] bool is_blank(char c) const;
  void skip_blanks();
  TableField take_field();
  TableField take_quoted();
  void take_line_end();

  const std::string* path_;
  std::string_view rest_;
  char delimiter_ = ',';
  std::vector<TableField> fields_;
  std::size_t line_ = 0;       ///< where the current one starts, from 1
  std::size_t next_line_ = 1;  ///< where the next one does
};

}  // namespace lockstep
