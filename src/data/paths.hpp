#pragma once

#include <string>
#include <vector>

namespace lockstep {

/// "csv" of "dir/Name.CSV.gz": in lower case, without dot and without .gz.
[[nodiscard]] std::string extension_of(const std::string& path);

/// The files that a path means, in the order of their names: the path itself, or if nothing is
/// called so, all that match it as a pattern of the shell with * ? [] {}, where a folder or
/// brackets that exist as they are written mean themselves.
/// Errors: no_input if a pattern matches nothing.
[[nodiscard]] std::vector<std::string> matching_files(const std::string& path);

/// The files that FILE or FILE:GROUP means, and the group within each. A colon parts the two only
/// where nothing is called so as a whole.
struct NamedFiles {
  std::vector<std::string> files;
  std::string group;
};
[[nodiscard]] NamedFiles named_files(const std::string& path);

/// What is below a folder, by the order of its names. Hidden files and folders are left out, as is
/// what file managers leave behind; links are followed.
struct Folder {
  std::vector<std::string> files;
  std::vector<std::string> folders;       ///< without the folder itself
  std::vector<std::string> broken_links;  ///< that lead nowhere
};
/// Empty if `path` is no folder.
/// Errors: no_permission.
[[nodiscard]] Folder look_below(const std::string& path);

}  // namespace lockstep
