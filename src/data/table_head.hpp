#pragma once

#include <string>
#include <vector>

#include "data/text_table.hpp"

namespace lockstep {

/// What the first line of a table of text says about its columns.
struct TableHead {
  std::size_t columns = 0;
  std::vector<std::string> names;  ///< of all columns; empty if there is no header
  bool open_end = false;  ///< the last column is empty: each line ends with a delimiter, no more
  std::string note;       ///< if it may be meant otherwise; without the name of the file
};

/// Reads the first line, and no more if it is a header: if the source says so or, unset, if it
/// looks like one. That is a line of words; numbers among them count as words if they are 0, 1, 2,
/// ... and a word stands above a number, or nowhere else in its column. A line of nothing but 0, 1,
/// 2, ... is one where there are three or more, or where all numbers below have a decimal point; a
/// line in quotes is one if there are numbers without below. Comments before it, lines that begin
/// with # and have another number of fields than the next one, are passed over. The current line of
/// `lines` is then the header, or the first sample.
/// Errors: bad_data if there is no line.
[[nodiscard]] TableHead read_head(const Source& source, TableReader& lines);

}  // namespace lockstep
