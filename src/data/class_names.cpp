#include "data/class_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "lockstep/base/error.hpp"
#include "lockstep/base/printable.hpp"

namespace lockstep {

void check_class_names(const std::string& place, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name.empty()) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: expected the name of a class, found an empty "
                              "text\n  give that class a name",
                              place));
    }
    if (!has_controls(name)) continue;
    throw Error(ExitCode::bad_data,
                fmt::format("{}: expected names of classes without control characters, found "
                            "\"{}\"\n  rename that class",
                            place, printable(name)));
  }
}

void require_name_of_each(const std::string& place, const std::vector<std::string>& names,
                          Index classes) {
  if (names.empty() || std::ssize(names) >= classes) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: expected a name for each of {} classes, found {}: {}\n  give each "
                          "one of its own, in the order of their numbers",
                          place, classes, names.size(), fmt::join(names, ", ")));
}

void require_class_names(const std::string& name, const std::vector<std::string>& expected,
                         const std::vector<std::string>& found) {
  if (expected.empty() || found.empty() || expected == found) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: expected the classes {}; found {}: equal numbers would mean "
                          "different classes",
                          name, fmt::join(expected, ", "), fmt::join(found, ", ")));
}

std::string alike_classes(const std::vector<std::string>& names) {
  constexpr std::size_t kMostTold = 4;
  std::map<std::string, std::string> first;  // of each look
  std::vector<std::string> pairs;
  for (const std::string& name : names) {
    const auto [known, is_new] = first.try_emplace(seen_letters(name), name);
    if (!is_new) pairs.push_back(fmt::format("\"{}\" and \"{}\"", known->second, name));
  }
  if (pairs.empty()) return {};
  const std::size_t told = std::min(pairs.size(), kMostTold);
  const std::size_t untold = pairs.size() - told;
  pairs.resize(told);
  return fmt::format(
      "{}{} are classes of their own, and differ only in large and small letters or in blanks; if "
      "one is meant, spell it in one way",
      fmt::join(pairs, ", "), untold > 0 ? fmt::format(" and {} more pairs", untold) : "");
}

void NamesOfFiles::add(const std::string& file, const std::vector<std::string>& names) {
  ++files_;
  if (names.empty()) return unnamed_.add(file);
  require_class_names(file, names_, names);
  if (!names_.empty()) return;
  names_ = names;
  named_ = file;
}

std::string NamesOfFiles::note(const std::string& path) const {
  if (names_.empty() || unnamed_.empty()) return {};
  return fmt::format("{}: {} without names of classes: their numbers are taken for those of {}: {}",
                     path, unnamed_.of(files_, "files"), named_, unnamed_.first());
}

}  // namespace lockstep
