#include "data/hdf5_sets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "data/class_names.hpp"
#include "data/labelled_files.hpp"
#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/printable.hpp"

namespace lockstep {
namespace {

constexpr std::size_t kMaxListed = 24;
constexpr const char* kNames = "_names";
constexpr const char* kNamesAttribute = "names";

std::string group_of(const Hdf5Entry& entry) { return entry.path.substr(0, entry.path.rfind('/')); }

/// Inputs and targets among the data sets: the one of most numbers, and another with as many rows,
/// of the same group if there is one.
std::string keys_for(const std::vector<Hdf5Entry>& entries) {
  const auto numbers = [](const Hdf5Entry& e) {
    Index count = e.shape.empty() || e.type == "compounds" ? 0 : 1;
    for (const Index d : e.shape) count *= d;
    return count;
  };
  const auto inputs = std::ranges::max_element(entries, {}, numbers);
  if (numbers(*inputs) == 0) return {};
  const Hdf5Entry* targets = nullptr;
  for (const Hdf5Entry& e : entries) {
    if (&e == &*inputs || numbers(e) == 0 || e.shape[0] != inputs->shape[0]) continue;
    const bool beside = group_of(e) == group_of(*inputs);
    if (targets == nullptr || (beside && group_of(*targets) != group_of(*inputs))) targets = &e;
  }
  return fmt::format("\n  choose among them: data.inputs = \"{}\", data.targets = \"{}\"",
                     inputs->path.substr(1), targets == nullptr ? "NAME" : targets->path.substr(1));
}

std::vector<std::string> parted(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    std::string part = text.substr(begin, end - begin);
    part.erase(0, part.find_first_not_of(" \r"));
    part.erase(part.find_last_not_of(" \r") + 1);
    parts.push_back(std::move(part));
    begin = end + 1;
  }
  if (!parts.empty() && parts.back().empty()) parts.pop_back();  // the last line ended, too
  return parts;
}

/// Whether the members, but for the one to be ignored, have the numbers 0, 1, 2, ...
bool count_from_zero(const std::vector<Hdf5Member>& members, std::optional<Index> ignored) {
  std::int64_t next = 0;
  return std::ranges::all_of(members, [&](const Hdf5Member& member) {
    return (ignored && member.number == *ignored) || member.number == next++;
  });
}

/// Whether labels are words: texts, or an enumeration whose numbers are no classes.
bool has_words(const Hdf5Reader& file, const Source& source, const std::string& path) {
  return file.type_of(path) == Hdf5Type::text ||
         (!source.ignore_label && !count_from_zero(file.members(path), {}));
}

std::vector<std::string> words_in(const Hdf5Reader& file, const std::string& label,
                                  const std::string& path) {
  if (file.type_of(path) == Hdf5Type::text) return file.texts(path);
  const std::vector<Hdf5Member> members = file.members(path);
  std::vector<std::string> words;
  for (const std::int64_t number : file.integers(path)) {
    const auto member = std::ranges::lower_bound(members, number, {}, &Hdf5Member::number);
    if (member == members.end() || member->number != number) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: {}: sample {}: expected a number that its type, an enumeration, "
                              "has a name for; found {}",
                              label, path, words.size(), number));
    }
    words.push_back(member->name);
  }
  return words;
}

/// Names as JSON lists them. `place` is for messages.
std::vector<std::string> listed_names(const std::string& text, const std::string& place) {
  const auto list = nlohmann::json::parse(text, nullptr, false);
  const bool texts = list.is_array() && !list.empty() &&
                     std::ranges::all_of(list, [](const auto& one) { return one.is_string(); });
  if (texts) return list.get<std::vector<std::string>>();
  throw Error(ExitCode::bad_data,
              fmt::format("{}: expected names of classes as a list of JSON, such as "
                          "[\"first\", \"second\"], or one in each line; found \"{}\"",
                          place, printable(text.substr(0, 40))));
}

/// One text has a name in each line, or has them parted by commas, or is a list of JSON.
std::vector<std::string> names_of(std::vector<std::string> texts, Index classes,
                                  const std::string& place) {
  if (texts.size() != 1) return texts;
  const std::size_t begin = texts[0].find_first_not_of(" \t\r\n");
  if (begin != std::string::npos && (texts[0][begin] == '[' || texts[0][begin] == '{')) {
    return listed_names(texts[0], place);
  }
  std::vector<std::string> lines = parted(texts[0], '\n');
  return lines.size() == 1 && classes > 1 ? parted(lines[0], ',') : lines;
}

/// What the columns are called, if `data convert` has written it.
ColumnNames names_of_columns(const Hdf5Reader& file, const Source& source, const std::string& label,
                             const std::string& group) {
  const auto column = [&](const std::string& path) {
    const bool named = !path.empty() && file.has(path) && file.has_attribute(path, kHdf5Column);
    return named ? file.text_attribute(path, kHdf5Column) : std::string();
  };
  const std::string inputs = hdf5_path(group, source.inputs_name);
  const std::string names = hdf5_names_path(inputs);
  ColumnNames columns;
  columns.target = column(hdf5_path(group, source.targets_name));
  if (columns.target.empty() || !file.has(names)) return {};  // not by data convert
  const std::string text = file.text(names);
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
    columns.inputs.push_back(text.substr(begin, end - begin));
  }
  if (!source.inputs_only) columns.weights = column(hdf5_weights_path(source, group));
  const std::vector<Index> shape = file.shape_of(inputs);
  if (shape.size() == 2 && shape[1] == std::ssize(columns.inputs)) return columns;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: {}: expected a name for each column of {}, found {}", label, names,
                          inputs, columns.inputs.size()));
}

}  // namespace

void check_hdf5_names(const Hdf5Reader& file, const Source& source, const std::string& label,
                      const std::string& group) {
  std::vector<std::string> wanted = {hdf5_path(group, source.inputs_name)};
  if (!source.inputs_only) wanted.push_back(hdf5_path(group, source.targets_name));
  const auto missing =
      std::ranges::find_if_not(wanted, [&](const std::string& p) { return file.has(p); });
  if (missing == wanted.end()) return;
  const std::vector<Hdf5Entry> entries = file.datasets(kMaxListed);
  if (entries.empty()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: {}: expected a data set of this name, but the file holds none at "
                            "all: its writer did not close it, or wrote nothing",
                            label, *missing));
  }
  std::string list;
  for (const Hdf5Entry& entry : entries) list += "\n    " + entry.text();
  if (entries.size() == kMaxListed) list += "\n    ...";
  throw Error(
      ExitCode::bad_data,
      fmt::format("{}: {}: expected a data set of this name, found none; the file holds{}{}", label,
                  *missing, list, keys_for(entries)));
}

std::vector<double> hdf5_targets(const Hdf5Reader& file, const Source& source,
                                 const std::string& label, const std::string& path,
                                 std::vector<std::string>& class_names) {
  if (!source.classification || !has_words(file, source, path)) return file.doubles(path);
  const std::vector<std::string> words = words_in(file, label, path);
  NumberedLabels labels = number_labels(words, source.class_names, [&](std::size_t i) {
    return fmt::format("{}: {}: sample {}", label, path, i);
  });
  class_names = std::move(labels.names);
  check_class_names(fmt::format("{}: {}", label, path), class_names);
  return {labels.numbers.begin(), labels.numbers.end()};
}

std::vector<std::string> classes_of_all(const std::vector<ClassesOfFile>& files,
                                        const std::optional<std::vector<std::string>>& known) {
  const auto has_words = [](const ClassesOfFile& file) { return !file.names.empty(); };
  const auto words = std::ranges::find_if(files, has_words);
  if (words == files.end()) return {};
  if (const auto numbers = std::ranges::find_if_not(files, has_words); numbers != files.end()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: expected labels of one kind in all files: its labels are numbers, "
                            "those of {} are texts, {}: nothing says which number is which text",
                            numbers->file, words->file, fmt::join(words->names, ", ")));
  }
  if (known && !known->empty()) return *known;
  std::vector<std::string> all;
  for (const ClassesOfFile& file : files) {
    all.insert(all.end(), file.names.begin(), file.names.end());
  }
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

void share_classes(const Source& source, const std::vector<ClassesOfFile>& classes,
                   std::vector<Dataset>& parts) {
  const std::vector<std::string> all = classes_of_all(classes, source.class_names);
  if (all.empty()) return;
  for (Dataset& part : parts) {
    number_anew(part.labels(), part.class_names(), all);
    part.set_class_names(all);
  }
}

bool has_text_targets(const Source& source, const DataFile& file) {
  const Hdf5Reader reader(file.bytes, file.path);
  return has_words(reader, source, hdf5_path(file.group, source.targets_name));
}

std::string hdf5_names_path(const std::string& targets_path) { return targets_path + kNames; }

std::vector<std::string> hdf5_class_names(const Hdf5Reader& file, const Source& source,
                                          const std::string& label, const std::string& targets_path,
                                          Index classes) {
  const std::string path = hdf5_names_path(targets_path);
  std::string place = fmt::format("{}: {}", label, path);
  std::vector<std::string> names;
  const std::vector<Hdf5Member> members = file.members(targets_path);
  if (file.has(path)) {
    names = names_of(file.texts(path), classes, place);
  } else if (file.has_attribute(targets_path, kNamesAttribute)) {
    place = fmt::format("{}: {}: attribute {}", label, targets_path, kNamesAttribute);
    names = names_of(file.attribute_texts(targets_path, kNamesAttribute), classes, place);
  } else if (count_from_zero(members, source.ignore_label)) {
    place = fmt::format("{}: {}: its enumeration", label, targets_path);
    for (const Hdf5Member& member : members) {
      if (member.number != source.ignore_label) names.push_back(member.name);
    }
  }
  check_class_names(place, names);
  std::vector<std::string> sorted = names;
  std::ranges::sort(sorted);
  if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: expected a name of its own for each class, found \"{}\" twice",
                            place, *twice));
  }
  require_name_of_each(place, names, classes);
  return names;
}

TableColumns hdf5_column_order(const Hdf5Reader& file, const Source& source,
                               const std::string& label, const std::string& group,
                               FileNotes& notes) {
  TableColumns columns;
  columns.names = names_of_columns(file, source, label, group);
  if (!columns.names.known() || !source.columns || !source.columns->known()) return columns;
  TableHead head;
  head.names = columns.names.inputs;
  const std::size_t inputs = head.names.size();
  head.names.push_back(columns.names.target);
  head.columns = head.names.size();
  Source without_weights = source;  // which are found by the path of their data set
  without_weights.weights = "";
  columns = columns_by_name(without_weights, head, label, notes);
  for (const std::size_t place : columns.inputs) {
    if (place < inputs) continue;
    throw Error(ExitCode::bad_data,
                fmt::format("{}: expected column \"{}\" among the inputs as in the training data, "
                            "found it as target or weight",
                            label, head.names[place]));
  }
  std::vector<std::size_t> as_they_lie(inputs);
  std::iota(as_they_lie.begin(), as_they_lie.end(), std::size_t{0});
  if (columns.inputs == as_they_lie) columns.inputs.clear();
  return columns;
}

std::vector<std::string> unwritten_chunks(const Hdf5Reader& file,
                                          const std::vector<std::string>& paths) {
  std::vector<std::string> sentences;
  for (const std::string& path : paths) {
    if (!file.has(path)) continue;
    const Hdf5Chunks chunks = file.chunks_of(path);
    if (chunks.written >= chunks.all) continue;
    sentences.push_back(
        fmt::format("{}: {} of {} chunks were never written and are read as the "
                    "value that fills them",
                    path, chunks.all - chunks.written, chunks.all));
  }
  return sentences;
}

}  // namespace lockstep
