#pragma once

#include <string>
#include <vector>

#include "data/paths.hpp"
#include "lockstep/data/formats.hpp"

// Folders of files of one format: which files count, and what must be said about the others.

namespace lockstep {

/// The files of a format below a folder, and sentences about what was left out and about classes
/// that are hardly meant.
struct FolderFiles {
  std::vector<std::string> files;
  std::vector<std::string> notes;
};

/// Errors: no_input if there is none; bad_data for a picture or recording of a format that is not
/// read, unless `chosen`: the user has named the format; for links that lead nowhere, and for files
/// beside the folders of their classes.
[[nodiscard]] FolderFiles files_of_format(const Source& source, const Format& format, bool chosen);

/// "12 .jpg, 3 .txt, 1 without extension", the most frequent first.
[[nodiscard]] std::string counts_by_extension(const std::vector<std::string>& files);

/// What to do with files of these extensions, a line of its own; empty if nobody knows.
[[nodiscard]] std::string remedy_for(const std::vector<std::string>& files,
                                     const std::string& folder);

[[nodiscard]] bool has_extension(const std::string& file, const Format& format);

}  // namespace lockstep
