#include "data/folder_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

#include "data/file_tally.hpp"
#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

constexpr auto kPictures = std::to_array<std::string_view>(
    {"jpg", "jpeg", "jpe", "jfif", "gif", "bmp", "tif", "tiff", "webp", "heic", "heif", "avif",
     "jp2", "j2k", "pbm", "pam", "tga", "ico", "psd"});
constexpr auto kSounds = std::to_array<std::string_view>(
    {"mp3", "flac", "ogg", "oga", "opus", "m4a", "aac", "aif", "aiff", "wma", "amr", "au"});
constexpr std::size_t kMaxNamed = 5;

bool is_in(std::span<const std::string_view> extensions, const std::string& file) {
  return std::ranges::find(extensions, extension_of(file)) != extensions.end();
}

/// Whether a file is of the kind that a format is for, pictures or recordings, in another format.
bool is_alike(const std::string& file, const Format& format) {
  if (format.load_files == load_text) return false;
  return format.load_files == load_wav ? is_in(kSounds, file) : is_in(kPictures, file);
}

/// The first few of many.
std::string listed(const std::vector<std::string>& names) {
  const std::span some = std::span(names).first(std::min(names.size(), kMaxNamed));
  const std::size_t more = names.size() - some.size();
  return fmt::format("{}{}", fmt::join(some, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

/// The part of a path below a folder.
std::string below(const std::string& path, const std::string& folder) {
  return fs::path(path).lexically_relative(folder).string();
}

std::size_t depth_of(const std::string& file, const std::string& folder) {
  return static_cast<std::size_t>(std::ranges::count(below(file, folder), '/'));
}

/// Whether the class of a file is the folder around it.
bool by_folder(const Source& source, const Format& format) {
  return format.load_files != load_text && source.labels_path.empty() && !source.inputs_only &&
         source.label_pattern == "{label}/*";
}

void check_links(const Folder& folder, const Format& format) {
  const auto broken = std::ranges::find_if(
      folder.broken_links, [&](const std::string& f) { return has_extension(f, format); });
  if (broken == folder.broken_links.end()) return;
  throw Error(ExitCode::no_input,
              fmt::format("{}: a link that leads nowhere\n  fetch what it stands for, as with "
                          "git annex get, or remove the link",
                          *broken));
}

void check_places(const Source& source, const std::vector<std::string>& files) {
  const auto beside = std::ranges::find_if(
      files, [&](const std::string& f) { return depth_of(f, source.path) == 0; });
  const bool some_deeper = std::ranges::any_of(
      files, [&](const std::string& f) { return depth_of(f, source.path) > 0; });
  if (beside == files.end() || !some_deeper) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: expected it in the folder of its class as others are, found it "
                          "beside those folders\n  move it into one, or say where labels are with "
                          "data.label_pattern or data.train_labels",
                          *beside));
}

/// A folder in that of a class makes a class of its own.
void add_depth_note(const Source& source, FolderFiles& found) {
  std::vector<std::size_t> depths;
  for (const std::string& file : found.files) depths.push_back(depth_of(file, source.path));
  const std::size_t least = *std::ranges::min_element(depths);
  FileTally deeper;
  for (std::size_t i = 0; i < depths.size(); ++i) {
    if (depths[i] > least) deeper.add(found.files[i]);
  }
  if (deeper.empty()) return;
  found.notes.push_back(fmt::format(
      "{}: {} deeper in folders than the others; the class of each is the folder around it: {}",
      source.path, deeper.of(depths.size(), "files"), deeper.first()));
}

/// Classes that are no folder, or more than one.
void add_class_notes(const Source& source, const Folder& folder, FolderFiles& found) {
  std::map<std::string, std::set<std::string>> places;
  std::set<std::string> full;
  for (const std::string& file : found.files) {
    const fs::path parent = fs::path(file).parent_path();
    places[parent.filename().string()].insert(below(parent.string(), source.path));
    for (fs::path up = parent; full.insert(up.string()).second && up != up.parent_path();) {
      up = up.parent_path();
    }
  }
  for (const auto& [name, folders] : places) {
    if (folders.size() < 2) continue;
    found.notes.push_back(fmt::format("{}: the files of {} folders are one class, {}: {}",
                                      source.path, folders.size(), name,
                                      listed({folders.begin(), folders.end()})));
  }
  std::vector<std::string> empty;
  for (const std::string& name : folder.folders) {
    if (!full.contains(name)) empty.push_back(below(name, source.path));
  }
  if (empty.empty()) return;
  found.notes.push_back(fmt::format("{}: {} without such files, no {}: {}", source.path,
                                    empty.size() == 1 ? "a folder" : "folders",
                                    empty.size() == 1 ? "class" : "classes", listed(empty)));
}

bool is_table_of_labels(const Source& source, const std::string& file) {
  std::error_code error;
  return !source.labels_path.empty() && fs::equivalent(file, source.labels_path, error);
}

}  // namespace

bool has_extension(const std::string& file, const Format& format) {
  return is_in(format.extensions, file);
}

std::string counts_by_extension(const std::vector<std::string>& files) {
  std::map<std::string, std::size_t> counts;
  for (const std::string& file : files) ++counts[extension_of(file)];
  std::vector<std::pair<std::size_t, std::string>> sorted;
  for (const auto& [extension, count] : counts) sorted.emplace_back(count, extension);
  std::ranges::stable_sort(sorted, std::ranges::greater(),
                           &std::pair<std::size_t, std::string>::first);
  std::vector<std::string> texts;
  for (const auto& [count, extension] : sorted) {
    texts.push_back(extension.empty() ? fmt::format("{} without extension", count)
                                      : fmt::format("{} .{}", count, extension));
  }
  return listed(texts);
}

std::string remedy_for(const std::vector<std::string>& files, const std::string& folder) {
  if (std::ranges::any_of(files, [](const std::string& f) { return is_in(kPictures, f); })) {
    return "\n  convert the pictures to PNG, with ImageMagick: mogrify -format png FILES";
  }
  if (std::ranges::any_of(files, [](const std::string& f) { return is_in(kSounds, f); })) {
    return "\n  convert the recordings to WAV, with SoX: sox FILE FILE.wav";
  }
  const auto one = std::ranges::find_if(files, [](const std::string& f) {
    constexpr auto kPatterns =
        std::to_array<std::string_view>({"csv", "tsv", "data", "npy", "h5", "hdf5", "hdf", "bin"});
    return is_in(kPatterns, f);
  });
  if (one == files.end()) return "";
  return fmt::format("\n  a pattern names several files of samples: {}/*{}", folder,
                     fs::path(*one).extension().string());
}

FolderFiles files_of_format(const Source& source, const Format& format, bool chosen) {
  const Folder folder = look_below(source.path);
  FolderFiles found;
  std::vector<std::string> others;
  for (const std::string& file : folder.files) {
    if (has_extension(file, format)) {
      found.files.push_back(file);
    } else if (!is_table_of_labels(source, file)) {
      others.push_back(file);
    }
  }
  check_links(folder, format);
  if (found.files.empty()) {
    throw Error(ExitCode::no_input,
                fmt::format("{}: expected files that end in .{}, found {}{}", source.path,
                            fmt::join(format.extensions, " or ."),
                            others.empty() ? "none" : counts_by_extension(others),
                            remedy_for(others, source.path)));
  }
  const auto alike =
      std::ranges::find_if(others, [&](const std::string& f) { return is_alike(f, format); });
  if (alike != others.end() && !chosen) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("{}: expected {} alone, found {} beside {} files of it, the first {}{}"
                    "\n  data.type = \"{}\" leaves them out",
                    source.path, format.name, counts_by_extension(others), found.files.size(),
                    *alike, remedy_for(others, source.path), format.name));
  }
  if (!others.empty()) {
    found.notes.push_back(fmt::format(
        "{}: left out {} that {} no {}: {}", source.path, others.size() == 1 ? "a file" : "files",
        others.size() == 1 ? "is" : "are", format.name, counts_by_extension(others)));
  }
  if (by_folder(source, format)) {
    check_places(source, found.files);
    add_class_notes(source, folder, found);
    add_depth_note(source, found);
  }
  return found;
}

}  // namespace lockstep
