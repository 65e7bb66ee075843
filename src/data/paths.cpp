#include "data/paths.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "lockstep/base/error.hpp"
#include "lockstep/base/printable.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPatternMarks = "*?[{";

bool is_pattern(std::string_view path) { return path.find_first_of(kPatternMarks) != path.npos; }

/// The text as a pattern in which these characters mean themselves.
std::string escaped(std::string_view text, std::string_view characters) {
  std::string pattern;
  for (const char c : text) {
    if (characters.find(c) != characters.npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

/// The length of the longest part of a path, up to a slash, that exists as it is written.
std::size_t literal_length(const std::string& path) {
  std::size_t length = 0;
  for (std::size_t at = path.find('/'); at != path.npos; at = path.find('/', at + 1)) {
    if (at > 0 && !file_exists(path.substr(0, at))) break;
    length = at + 1;
  }
  return length;
}

/// Sorted by bytes: the order must not depend on the user's language.
/// Errors: bad_data for a name that would be several lines of a message, or of a table of labels.
void put_in_order(std::vector<std::string>& files) {
  std::ranges::sort(files);
  for (const std::string& file : files) {
    if (file.find_first_of("\n\r") == std::string::npos) continue;
    throw Error(ExitCode::bad_data,
                fmt::format("{}: a name with a line break in it; rename that file or folder",
                            printable(file)));
  }
}

std::vector<std::string> matches_of(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> files;
  if (::glob(pattern.c_str(), GLOB_BRACE | GLOB_NOSORT, nullptr, &found) == 0) {
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  put_in_order(files);
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

/// None if nothing is called so and nothing matches.
std::vector<std::string> existing_files(const std::string& path) {
  if (file_exists(path)) return {path};
  if (!is_pattern(path)) return {};
  constexpr std::string_view kAll = "*?[]{}\\", kBrackets = "[]{}\\";
  const std::size_t literal = literal_length(path);
  const std::string folder = escaped(std::string_view(path).substr(0, literal), kAll);
  auto files = matches_of(folder + path.substr(literal));
  if (files.empty()) {
    files = matches_of(folder + escaped(std::string_view(path).substr(literal), kBrackets));
  }
  return files;
}

/// What file managers leave behind.
bool is_litter(const std::string& name) {
  constexpr std::array<std::string_view, 4> kLitter = {"Thumbs.db", "thumbs.db", "desktop.ini",
                                                       "Desktop.ini"};
  return name.starts_with('.') || std::ranges::find(kLitter, name) != kLitter.end();
}

/// `around` are the folders on the way, in which a link must not lead.
void look_into(const fs::path& folder, std::vector<fs::path>& around, Folder& found) {
  const fs::path real = fs::canonical(folder);
  if (std::ranges::find(around, real) != around.end()) return;
  around.push_back(real);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (is_litter(entry.path().filename().string())) continue;
    const std::string path = entry.path().string();
    std::error_code error;  // of a link in a circle
    if (entry.is_directory(error)) {
      found.folders.push_back(path);
      look_into(entry.path(), around, found);
    } else if (entry.exists(error)) {
      found.files.push_back(path);
    } else {
      found.broken_links.push_back(path);
    }
  }
  around.pop_back();
}

}  // namespace

std::string extension_of(const std::string& path) {
  fs::path name = fs::path(path).filename();
  if (name.extension() == ".gz") name = name.stem();
  std::string extension = name.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension.empty() ? extension : extension.substr(1);
}

std::vector<std::string> matching_files(const std::string& path) {
  std::vector<std::string> files = existing_files(path);
  if (!files.empty()) return files;
  if (!is_pattern(path)) return {path};
  throw Error(ExitCode::no_input,
              fmt::format("{}: expected a file or a pattern that matches files, found none{}", path,
                          where_from(path)));
}

NamedFiles named_files(const std::string& path) {
  if (auto whole = existing_files(path); !whole.empty()) return {std::move(whole), ""};
  for (std::size_t colon = path.rfind(':'); colon != path.npos && colon > 0;
       colon = path.rfind(':', colon - 1)) {
    auto files = existing_files(path.substr(0, colon));
    std::error_code ignored;
    std::erase_if(files, [&](const std::string& f) { return fs::is_directory(f, ignored); });
    if (!files.empty()) return {std::move(files), path.substr(colon + 1)};
  }
  return {matching_files(path), ""};
}

Folder look_below(const std::string& path) {
  Folder found;
  std::error_code error;
  if (!fs::is_directory(path, error)) return found;
  try {
    std::vector<fs::path> around;
    look_into(path, around, found);
  } catch (const fs::filesystem_error& failure) {
    throw Error(ExitCode::no_permission,
                fmt::format("{}: cannot look into the folder: {}", failure.path1().string(),
                            failure.code().message()));
  }
  for (auto* list : {&found.files, &found.folders, &found.broken_links}) put_in_order(*list);
  return found;
}

}  // namespace lockstep
