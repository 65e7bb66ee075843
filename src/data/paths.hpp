#pragma once

#include <string>
#include <vector>

namespace lockstep {

/// "csv" of "dir/Name.CSV.gz": in lower case, without dot and without .gz.
[[nodiscard]] std::string extension_of(const std::string& path);

/// The files that a path means, in the order of their names: the path itself, or if nothing is
/// called so, all that match it as a pattern of the shell with * ? [] {}.
/// Errors: no_input if a pattern matches nothing.
[[nodiscard]] std::vector<std::string> matching_files(const std::string& path);

/// Every file below a folder with one of these extensions, in the order of their names; hidden ones
/// are left out. Empty if `path` is no folder. Errors: no_permission.
[[nodiscard]] std::vector<std::string> files_below(const std::string& path,
                                                   const std::vector<std::string>& extensions);

}  // namespace lockstep
