#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/table_columns.hpp"
#include "lockstep/data/formats.hpp"
#include "lockstep/io/hdf5.hpp"

// What the loaders of HDF5 ask of a file beside its numbers.

namespace lockstep {

/// The attribute of targets and weights that says what their column was called.
inline constexpr const char* kHdf5Column = "column";

/// Errors: Error(bad_data) that lists what there is, and the keys that choose it, if the file lacks
/// a data set of the source.
void check_hdf5_names(const Hdf5Reader& file, const Source& source, const std::string& label,
                      const std::string& group);

/// The targets as numbers. Words, texts or names of an enumeration whose numbers do not count from
/// 0, are the classes that they name, whose names are stored in `class_names`, unless all are whole
/// numbers.
[[nodiscard]] std::vector<double> hdf5_targets(const Hdf5Reader& file, const Source& source,
                                               const std::string& label, const std::string& path,
                                               std::vector<std::string>& class_names);

/// What the labels of one file of several are.
struct ClassesOfFile {
  std::string file;
  std::vector<std::string> names;  ///< of the classes, if labels are words
};

/// The classes of all files whose labels are texts: those of the training data, `known`, or if
/// there are none theirs, sorted; empty if labels are numbers.
/// Errors: Error(bad_data) if those of some files are texts and those of others numbers.
[[nodiscard]] std::vector<std::string> classes_of_all(
    const std::vector<ClassesOfFile>& files, const std::optional<std::vector<std::string>>& known);

/// Numbers labels anew that count the classes `names`, so that they count those of `all`.
template <typename T>
void number_anew(std::span<T> labels, const std::vector<std::string>& names,
                 const std::vector<std::string>& all) {
  if (names == all) return;
  std::vector<T> places;
  for (const std::string& name : names) {
    places.push_back(static_cast<T>(std::ranges::find(all, name) - all.begin()));
  }
  for (T& label : labels) label = places[static_cast<std::size_t>(label)];
}

/// Numbers labels that are texts in the same way in all parts, one for each file.
/// Errors: as classes_of_all.
void share_classes(const Source& source, const std::vector<ClassesOfFile>& classes,
                   std::vector<Dataset>& parts);

/// True if the targets of the file are words.
[[nodiscard]] bool has_text_targets(const Source& source, const DataFile& file);

/// Where the names of the classes lie that the targets at this path have, and of the columns of
/// inputs.
[[nodiscard]] std::string hdf5_names_path(const std::string& targets_path);

/// Those names, if there are any: texts in a data set beside the targets or in their attribute
/// "names", or one text of several lines, or parted by commas; or the names of an enumeration.
/// Errors: Error(bad_data) for fewer names than `classes`, or a name of two.
[[nodiscard]] std::vector<std::string> hdf5_class_names(const Hdf5Reader& file,
                                                        const Source& source,
                                                        const std::string& label,
                                                        const std::string& targets_path,
                                                        Index classes);

/// The columns of a file as `data convert` writes a table, whose names it keeps: those that the
/// model knows, source.columns, in its order. No places: inputs are taken as they lie, for that is
/// their order, or the file or the model knows no names.
/// Errors: as columns_by_name.
[[nodiscard]] TableColumns hdf5_column_order(const Hdf5Reader& file, const Source& source,
                                             const std::string& label, const std::string& group,
                                             FileNotes& notes);

/// A sentence for each of the data sets of which some chunks were never written.
[[nodiscard]] std::vector<std::string> unwritten_chunks(const Hdf5Reader& file,
                                                        const std::vector<std::string>& paths);

}  // namespace lockstep
