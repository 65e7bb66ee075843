#pragma once

#include <string>
#include <vector>

#include "data/file_tally.hpp"
#include "lockstep/base/types.hpp"

// What classes are called, wherever their names come from.

namespace lockstep {

/// Errors: bad_data for a name that is empty or has control characters: a line break would make two
/// classes of one in a checkpoint, which then fits no data. `place` says where the names are.
void check_class_names(const std::string& place, const std::vector<std::string>& names);

/// Errors: bad_data if there are names, but fewer than `classes`.
void require_name_of_each(const std::string& place, const std::vector<std::string>& names,
                          Index classes);

/// Errors: bad_data if both sets name their classes, and not alike.
void require_class_names(const std::string& name, const std::vector<std::string>& expected,
                         const std::vector<std::string>& found);

/// A sentence on classes whose names look alike, such as "no" and "No"; empty if none do.
[[nodiscard]] std::string alike_classes(const std::vector<std::string>& names);

/// The names of the classes of several files whose labels are numbers, those of the files that have
/// any.
class NamesOfFiles {
 public:
  /// Errors: bad_data if the names are not those of an earlier file.
  void add(const std::string& file, const std::vector<std::string>& names);
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  /// A sentence on files without names beside others that have them, else empty.
  [[nodiscard]] std::string note(const std::string& path) const;

 private:
  std::vector<std::string> names_;
  std::string named_;  ///< the first file with names
  FileTally unnamed_;
  std::size_t files_ = 0;
};

}  // namespace lockstep
