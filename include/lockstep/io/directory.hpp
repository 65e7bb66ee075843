#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lockstep {

/// An open directory. What is done by it is done in that very directory, even when its path has
/// come to lead elsewhere: because it was moved, deleted or replaced, or its file system unmounted.
/// Names are those of entries; a link is never followed. Copies share the descriptor.
class Directory {
 public:
  /// Errors: cannot_create if there is none at that path, or it cannot be opened.
  explicit Directory(std::filesystem::path path);

  /// As it was opened, for people.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] int descriptor() const;

  /// The directory of that name in this one, made if it is missing.
  /// Errors: cannot_create, also if it is a link.
  [[nodiscard]] Directory subdirectory(const std::string& name) const;

  /// Empty if the path still leads here, and otherwise what became of the directory: "was deleted".
  /// Errors: io if that cannot be seen.
  [[nodiscard]] std::string fate() const;
  /// A sentence that says so.
  [[nodiscard]] static std::string lost(const std::filesystem::path& path, const std::string& fate);

  /// The names of all entries, in no order.
  /// Errors: io.
  [[nodiscard]] std::vector<std::string> names() const;
  /// True if something of this name exists, whatever it is.
  [[nodiscard]] bool holds(const std::string& name) const;
  /// What the link of this name says; nothing if there is no such link.
  [[nodiscard]] std::optional<std::string> link_target(const std::string& name) const;

  /// Removes a file, if it is there.
  /// Errors: io.
  void remove(const std::string& name) const;
  /// Renames an entry; one that has the new name is replaced.
  /// Errors: cannot_create.
  void rename(const std::string& from, const std::string& to) const;
  /// Makes a symbolic link.
  /// Errors: cannot_create.
  void make_link(const std::string& target, const std::string& name) const;

 private:
  class Handle;
  Directory(std::filesystem::path path, int descriptor);

  std::filesystem::path path_;
  std::shared_ptr<const Handle> handle_;
};

}  // namespace lockstep
