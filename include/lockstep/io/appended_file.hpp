#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lockstep/io/directory.hpp"

namespace lockstep {

/// A text file of a directory that grows by lines, each written at once and no finished one ever
/// rewritten. It is this directory's own: a symbolic link, a pipe or a device of its name is
/// refused, and one that is linked from elsewhere, too, as `cp -l` does it, becomes a copy.
class AppendedFile {
 public:
  /// Opens or creates it.
  /// Errors: cannot_create.
  AppendedFile(const Directory& directory, const std::string& name);
  AppendedFile(AppendedFile&& other) noexcept;
  AppendedFile& operator=(AppendedFile&&) = delete;
  ~AppendedFile();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Drops an unfinished last line, which a killed process left.
  /// Errors: cannot_create.
  void drop_unfinished_line();

  /// What became of an `append`: 0 or an errno; `clean` if no part of a line that failed is left.
  struct Result {
    int error = 0;
    bool clean = true;
  };
  [[nodiscard]] Result append(std::string_view text);

 private:
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace lockstep
