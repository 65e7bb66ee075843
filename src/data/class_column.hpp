#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/text_table.hpp"

namespace lockstep {

/// Collects the labels of a table, which are whole numbers or words. Words are the classes,
/// numbered in the order of their bytes, or as the training data has numbered them.
class ClassColumn {
 public:
  /// `names` as Source::class_names, `ignored` as Source::ignore_label.
  ClassColumn(const std::optional<std::vector<std::string>>& names, std::optional<Index> ignored);

  /// Adds the label of the current line, field `place` of it.
  /// Errors: bad_data for a word among numbers and the other way round, an unknown class, a missing
  /// label, a number that is no label.
  void add(const TableReader& lines, std::size_t place);

  /// The labels, once all are there.
  [[nodiscard]] std::vector<double> labels() const;
  /// The one among them that is to be ignored: of words none of their numbers.
  [[nodiscard]] std::optional<Index> ignored() const;
  /// The names of the classes; empty if the labels are numbers.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  double add_word(const TableReader& lines, std::size_t place);
  double add_number(const TableReader& lines, std::size_t place, double number);

  std::optional<Index> ignored_;
  bool words_ = false;          ///< labels are words; once settled
  bool settled_ = false;        ///< by the training data or the first label
  bool known_ = false;          ///< the training data has settled it
  std::vector<double> labels_;  ///< of words their numbers in order of appearance, unless known;
                                ///< NaN: to be ignored
  std::map<std::string, std::size_t, std::less<>> numbers_;
};

}  // namespace lockstep
