#include "data/labelled_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>

#include "data/byte_order_mark.hpp"
#include "data/class_names.hpp"
#include "data/loaders.hpp"
#include "data/number_array.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/printable.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLabel = "{label}";
/// The last `parts` parts of a path.
std::string_view tail(std::string_view path, std::ptrdiff_t parts) {
  std::size_t begin = path.size();
  while (parts-- > 0 && begin != std::string_view::npos && begin > 0) {
    begin = path.rfind('/', begin - 1);
  }
  if (begin == std::string_view::npos) return path;
  return path.substr(begin + (begin < path.size() && path[begin] == '/' ? 1 : 0));
}

/// Matches text with a pattern of * and at most one {label}, which takes as little as possible.
bool matches(std::string_view text, std::string_view pattern, std::string_view& label) {
  const bool named = pattern.starts_with(kLabel);
  if (!named && !pattern.starts_with('*')) {
    if (pattern.empty()) return text.empty();
    return text.starts_with(pattern.front()) && matches(text.substr(1), pattern.substr(1), label);
  }
  const std::string_view rest = pattern.substr(named ? kLabel.size() : 1);
  for (std::size_t length = named ? 1 : 0; length <= text.size(); ++length) {
    if (length > 0 && text[length - 1] == '/') return false;
    if (!matches(text.substr(length), rest, label)) continue;
    if (named) label = text.substr(0, length);
    return true;
  }
  return false;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\"";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

struct TableEntry {
  std::string label;
  int line;
  bool used = false;
};
using LabelTable = std::map<std::string, TableEntry, std::less<>>;

/// Lines of FILE,LABEL, separated by a comma, semicolon or tab.
LabelTable read_table(const std::string& path) {
  const DataFile file = read_data_file(path);
  std::string_view rest(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
  rest = without_byte_order_mark(rest);
  const char end_of_line = rest.find('\n') == std::string_view::npos ? '\r' : '\n';
  LabelTable table;
  for (int line = 1; !rest.empty(); ++line) {
    const std::string_view text = rest.substr(0, rest.find(end_of_line));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    if (trimmed(text).empty()) continue;
    const std::size_t at = text.find_last_of(",;\t");
    if (at == std::string_view::npos) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}:{}: expected FILE,LABEL, found no separator", path, line));
    }
    const std::string name(trimmed(text.substr(0, at)));
    const auto [entry, is_new] =
        table.try_emplace(name, TableEntry{std::string(trimmed(text.substr(at + 1))), line});
    if (is_new) continue;
    throw Error(ExitCode::bad_data, fmt::format("{}:{}: {} has a label on line {} already", path,
                                                line, printable(name), entry->second.line));
  }
  return table;
}

/// The entry of a file: under its path, or under any tail of it, the longest first.
std::string label_from(LabelTable& table, const std::string& file, const std::string& name) {
  std::string_view path = file;
  while (true) {
    if (const auto found = table.find(path); found != table.end()) {
      found->second.used = true;
      return found->second.label;
    }
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  throw Error(ExitCode::bad_data,
              fmt::format("{}: expected a line for this file in {}, found none", file, name));
}

/// Where the files of other sets may be whose labels are in the same table: in the folders beside
/// that of this set, by their names below these or below one that holds them all.
class FoldersBeside {
 public:
  explicit FoldersBeside(const std::string& path) : own_(fs::absolute(path).lexically_normal()) {
    std::error_code error;
    if (!own_.has_filename()) own_ = own_.parent_path();
    fs::path folder = own_;
    if (!fs::is_directory(own_, error)) {  // a pattern
      folder = own_.parent_path();
      places_.push_back(folder);
    }
    fs::path up = folder.parent_path();
    for (fs::directory_iterator entry(up, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->is_directory(error) && entry->path() != folder) places_.push_back(entry->path());
    }
    if (places_.size() > kMost) places_.clear();
    for (; up != up.parent_path(); up = up.parent_path()) places_.push_back(up);
  }
  [[nodiscard]] bool hold(const std::string& name) const {
    const std::string own = (own_ / "").string();
    return std::ranges::any_of(places_, [&](const fs::path& place) {
      const fs::path file = (place / name).lexically_normal();
      std::error_code error;
      return !file.string().starts_with(own) && fs::is_regular_file(file, error);
    });
  }

 private:
  static constexpr std::size_t kMost = 64;  ///< that are searched for each line
  fs::path own_;
  std::vector<fs::path> places_;
};

/// Says how many lines of a table are of no sample, neither of this set nor of others beside it.
/// The names of its columns may be in the first.
std::vector<std::string> unused_lines(const Source& source, const LabelTable& table) {
  constexpr std::size_t kMost = 1000;  // are looked for: each asks the file system several times
  std::vector<LabelTable::const_iterator> unused;
  for (auto entry = table.begin(); entry != table.end(); ++entry) {
    const bool head = entry->second.line == 1 && entry->first.find('.') == std::string::npos;
    if (!entry->second.used && !head) unused.push_back(entry);
  }
  if (unused.empty()) return {};
  const bool all = unused.size() <= kMost;
  if (!all) unused.resize(kMost);
  const FoldersBeside others(source.path);
  std::erase_if(unused, [&](const auto& entry) { return others.hold(entry->first); });
  if (unused.empty()) return {};
  return {
      fmt::format("{}: {}{} of {} lines name a file that is not in {}, nor in a folder beside "
                  "it: line {}, {}",
                  source.labels_path, all ? "" : "at least ", unused.size(), table.size(),
                  source.path, unused.front()->second.line, printable(unused.front()->first))};
}

bool is_whole_number(const std::string& text) {
  return !text.empty() && text.size() <= 9 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

float value_of(const std::string& file, const std::string& text) {
  float value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value)) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: expected a finite number as its value, found \"{}\"", file,
                            printable(text)));
  }
  return value;
}

}  // namespace

std::optional<std::string> label_in(const std::string& path, const std::string& pattern) {
  std::string_view label;
  if (!matches(tail(path, std::ranges::count(pattern, '/') + 1), pattern, label)) return {};
  return std::string(label);
}

LabelledFiles with_labels(const Source& source, std::vector<std::string> files) {
  LabelledFiles set{std::move(files), {}, {}};
  set.labels.resize(set.files.size());
  if (source.inputs_only) return set;
  LabelTable table;
  if (!source.labels_path.empty()) {
    table = read_table(source.labels_path);
  } else if (source.label_pattern.find(kLabel) == std::string::npos) {
    throw Error(ExitCode::config,
                fmt::format("data.label_pattern: expected {{label}} in it, found \"{}\"\n"
                            "  such as \"{{label}}/*\" or \"{{label}}_*.wav\"",
                            source.label_pattern));
  }
  for (std::size_t i = 0; i < set.files.size(); ++i) {
    if (!source.labels_path.empty()) {
      set.labels[i] = label_from(table, set.files[i], source.labels_path);
      continue;
    }
    const auto label = label_in(set.files[i], source.label_pattern);
    if (!label) {
      throw Error(
          ExitCode::bad_data,
          fmt::format("{}: expected a path that ends like \"{}\"; set data.label_pattern, or "
                      "name a table of labels with data.train_labels or data.val_labels",
                      set.files[i], source.label_pattern));
    }
    set.labels[i] = *label;
  }
  set.notes = unused_lines(source, table);
  return set;
}

NumberedLabels number_labels(const std::vector<std::string>& labels,
                             const std::optional<std::vector<std::string>>& known,
                             const std::function<std::string(std::size_t)>& place) {
  NumberedLabels found{std::vector<std::int32_t>(labels.size()),
                       known.value_or(std::vector<std::string>{})};
  std::vector<std::string>& names = found.names;
  const auto wrong = std::ranges::find_if_not(labels, is_whole_number);
  if (names.empty() && wrong == labels.end()) {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      std::from_chars(labels[i].data(), labels[i].data() + labels[i].size(), found.numbers[i]);
    }
    return found;
  }
  if (names.empty() && known) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("{}: expected a whole number as its label, as in the training data, "
                    "found \"{}\"",
                    place(static_cast<std::size_t>(wrong - labels.begin())), printable(*wrong)));
  }
  if (names.empty()) {
    names = labels;
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
  }
  std::map<std::string_view, std::int32_t> numbers;
  for (const std::string& name : names) {
    numbers.try_emplace(name, static_cast<std::int32_t>(numbers.size()));
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto number = numbers.find(labels[i]);
    if (number == numbers.end()) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: expected a class of the training data, {}; found \"{}\"",
                              place(i), fmt::join(names, ", "), printable(labels[i])));
    }
    found.numbers[i] = number->second;
  }
  return found;
}

void store_targets(const Source& source, const LabelledFiles& set, Dataset& dataset) {
  std::vector<FileOfSamples> files;
  for (const std::string& path : set.files) files.push_back({path, std::ssize(files)});
  dataset.set_files(std::move(files));
  dataset.add_notes(set.notes);
  if (source.inputs_only) return;
  if (!source.classification) {
    for (std::size_t i = 0; i < set.files.size(); ++i) {
      dataset.values()[i] = value_of(set.files[i], set.labels[i]);
    }
    return;
  }
  const NumberedLabels labels =
      number_labels(set.labels, source.class_names, [&](std::size_t i) { return set.files[i]; });
  check_class_names(source.labels_path.empty() ? source.path : source.labels_path, labels.names);
  if (labels.names.size() == 1 && source.class_names.value_or(std::vector<std::string>{}).empty()) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("{}: expected files of two or more classes, found {} of the class "
                    "\"{}\"\n  the label is the part of a path that data.label_pattern "
                    "says, \"{}\"; data.train_labels names a table of labels",
                    source.path, set.files.size(), labels.names.front(), source.label_pattern));
  }
  std::ranges::copy(labels.numbers, dataset.labels().begin());
  dataset.set_class_names(labels.names);
}

}  // namespace lockstep
