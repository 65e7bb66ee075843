#include "data/paths.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "lockstep/base/error.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {

namespace fs = std::filesystem;

std::string extension_of(const std::string& path) {
  fs::path name = fs::path(path).filename();
  if (name.extension() == ".gz") name = name.stem();
  std::string extension = name.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension.empty() ? extension : extension.substr(1);
}

std::vector<std::string> matching_files(const std::string& path) {
  if (path.find_first_of("*?[{") == std::string::npos || file_exists(path)) return {path};
  glob_t found{};
  std::vector<std::string> files;
  // Sorted by bytes below: the order must not depend on the user's language.
  if (::glob(path.c_str(), GLOB_BRACE | GLOB_NOSORT, nullptr, &found) == 0) {
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  std::ranges::sort(files);
  files.erase(std::unique(files.begin(), files.end()), files.end());
  if (files.empty()) {
    throw Error(
        ExitCode::no_input,
        fmt::format("{}: expected a file or a pattern that matches files, found none", path));
  }
  return files;
}

std::vector<std::string> files_below(const std::string& path,
                                     const std::vector<std::string>& extensions) {
  std::vector<std::string> files;
  std::error_code error;
  if (!fs::is_directory(path, error)) return files;
  try {
    for (auto entry = fs::recursive_directory_iterator(path);
         entry != fs::recursive_directory_iterator(); ++entry) {
      const bool hidden = entry->path().filename().string().starts_with('.');
      if (hidden) entry.disable_recursion_pending();
      if (hidden || !entry->is_regular_file()) continue;
      const std::string file = entry->path().string();
      if (std::ranges::find(extensions, extension_of(file)) != extensions.end()) {
        files.push_back(file);
      }
    }
  } catch (const fs::filesystem_error& failure) {
    throw Error(ExitCode::no_permission,
                fmt::format("{}: cannot look into the folder: {}", path, failure.code().message()));
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace lockstep
