#pragma once

#include <toml++/toml.h>

#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "config/excerpt.hpp"
#include "config/problems.hpp"
#include "lockstep/config/parse.hpp"

namespace lockstep::config {

/// The error for a file above kMaxConfigBytes.
[[nodiscard]] Error too_large(const std::string& file);

/// A key as it was given: its value, and where the name and the value stand.
struct Given {
  const toml::node* value = nullptr;
  Place key_place;
  Place value_place;
  std::string raw{};  ///< the VALUE of an option, before it was read as TOML
};

/// One [section] or one [[element]]: what was given in it.
struct Table {
  Place place;
  std::map<std::string, Given, std::less<>> keys{};
};

/// The file and the options, merged but not yet checked against the table of keys.
class Document {
 public:
  /// Errors: a file that is no TOML throws at once; everything else goes to `problems`.
  Document(const Source& source, std::span<const Override> overrides, Problems& problems);

  /// The tables of a section: one for each element of an array, exactly one (empty if absent) for
  /// any other.
  [[nodiscard]] const std::vector<Table>& tables(const std::string& section) const {
    return tables_.at(section);
  }
  /// The only table of a section that is no array.
  [[nodiscard]] const Table& table(const std::string& section) const {
    return tables(section).front();
  }
  /// Where element `index` of a list that was given stands; options are one place.
  [[nodiscard]] Place element_place(const Given& list, std::size_t index) const;
  /// The names of the layers: as given, or type, type_2, type_3, ...
  [[nodiscard]] std::vector<std::string> layer_names() const;
  [[nodiscard]] Place whole_file() const { return lines_.whole(); }

 private:
  void read_root(Problems& problems);
  void read_section(const Section& section, const toml::node& node, const Place& place,
                    Problems& problems);
  [[nodiscard]] Table read_table(const Section& section, const toml::table& table,
                                 Problems& problems) const;
  void apply(const Override& change, Problems& problems);
  [[nodiscard]] Table* find_table(std::string_view path, const Place& place, Problems& problems);
  [[nodiscard]] Table* find_layer(std::string_view selector, const Place& place,
                                  Problems& problems);
  /// The element that "[N]" selects, or null.
  [[nodiscard]] Table* find_element(const std::string& section, std::string_view selector);

  std::string text_;
  Lines lines_;
  toml::table root_;
  std::deque<toml::table> options_;  ///< owns the values of the options
  std::map<std::string, std::vector<Table>, std::less<>> tables_;
};

}  // namespace lockstep::config
