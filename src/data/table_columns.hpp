#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "data/file_notes.hpp"
#include "data/table_head.hpp"

namespace lockstep {

/// Which columns of a table are what.
struct TableColumns {
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  std::vector<std::size_t> inputs;  ///< the place of each in a line
  std::size_t target = kNone;
  std::size_t weight = kNone;
  ColumnNames names;  ///< as the model knows them, or if it knows none as the table has them
};

/// The note on samples whose columns have no names, of a model whose training data had some.
[[nodiscard]] std::string taken_by_place(const ColumnNames& training);

/// Finds the columns of a table whose head was read. With source.columns the inputs are those of
/// the model, in its order: by name where model and table have names, and other columns are left
/// out; else by place. Without, all columns are inputs but those of target, weights, and a first
/// one that only numbers the samples. What may not be meant is noted.
/// Errors: bad_data for columns that are missing, doubled or too few; config if target and weights
/// are one column.
[[nodiscard]] TableColumns find_columns(const Source& source, const TableHead& head,
                                        const TableReader& lines, FileNotes& notes);

/// The same by name alone, for a table that is no text: both the model's columns, source.columns,
/// and those of `head` have names. `path` is for messages.
[[nodiscard]] TableColumns columns_by_name(const Source& source, const TableHead& head,
                                           const std::string& path, FileNotes& notes);

}  // namespace lockstep
