#include "data/hdf5_sets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/labelled_files.hpp"
#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/printable.hpp"

namespace lockstep {
namespace {

constexpr std::size_t kListed = 24;
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

}  // namespace

void check_hdf5_names(const Hdf5Reader& file, const Source& source, const std::string& label,
                      const std::string& group) {
  std::vector<std::string> wanted = {hdf5_path(group, source.inputs_name)};
  if (!source.inputs_only) wanted.push_back(hdf5_path(group, source.targets_name));
  const auto missing =
      std::ranges::find_if_not(wanted, [&](const std::string& p) { return file.has(p); });
  if (missing == wanted.end()) return;
  const std::vector<Hdf5Entry> entries = file.datasets(kListed);
  if (entries.empty()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: {}: expected a data set of this name, but the file holds none at "
                            "all: its writer did not close it, or wrote nothing",
                            label, *missing));
  }
  std::string list;
  for (const Hdf5Entry& entry : entries) list += "\n    " + entry.text();
  if (entries.size() == kListed) list += "\n    ...";
  throw Error(
      ExitCode::bad_data,
      fmt::format("{}: {}: expected a data set of this name, found none; the file holds{}{}", label,
                  *missing, list, keys_for(entries)));
}

std::vector<double> hdf5_targets(const Hdf5Reader& file, const Source& source,
                                 const std::string& label, const std::string& path,
                                 std::vector<std::string>& class_names) {
  if (!source.classification || file.type_of(path) != Hdf5Type::text) return file.doubles(path);
  NumberedLabels labels = number_labels(file.texts(path), source.class_names, [&](std::size_t i) {
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
  return reader.type_of(hdf5_path(file.group, source.targets_name)) == Hdf5Type::text;
}

std::string hdf5_names_path(const std::string& targets_path) { return targets_path + kNames; }

std::vector<std::string> hdf5_class_names(const Hdf5Reader& file, const std::string& label,
                                          const std::string& targets_path, Index classes) {
  const std::string path = hdf5_names_path(targets_path);
  std::string place = fmt::format("{}: {}", label, path);
  std::vector<std::string> names;
  if (file.has(path)) {
    names = names_of(file.texts(path), classes, place);
  } else if (file.has_attribute(targets_path, kNamesAttribute)) {
    place = fmt::format("{}: {}: attribute {}", label, targets_path, kNamesAttribute);
    names = names_of(file.attribute_texts(targets_path, kNamesAttribute), classes, place);
  }
  check_class_names(place, names);
  std::vector<std::string> sorted = names;
  std::ranges::sort(sorted);
  if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: {}: expected a name of its own for each class, found \"{}\" twice",
                            label, path, *twice));
  }
  if (names.empty() || static_cast<Index>(names.size()) >= classes) return names;
  throw Error(
      ExitCode::bad_data,
      fmt::format("{}: {}: expected a name for each of {} classes, found {}: {}\n  with "
                  "h5py: file[\"{}\"] = [\"first\", \"second\", ...]",
                  label, path, classes, names.size(), fmt::join(names, ", "), path.substr(1)));
}

void note_unwritten(const Hdf5Reader& file, const std::string& label,
                    const std::vector<std::string>& paths, Dataset& data) {
  for (const std::string& path : paths) {
    if (!file.has(path)) continue;
    const Hdf5Chunks chunks = file.chunks_of(path);
    if (chunks.written >= chunks.all) continue;
    data.add_notes(
        {fmt::format("{}: {}: {} of {} chunks were never written and are read as the "
                     "value that fills them",
                     label, path, chunks.all - chunks.written, chunks.all)});
  }
}

}  // namespace lockstep
