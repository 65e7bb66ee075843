#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lockstep {

/// Sentences about files, each said once, with the first of the files that it is true of and the
/// number of the others.
class FileNotes {
 public:
  void add(const std::string& path, const std::string& sentence);
  [[nodiscard]] std::vector<std::string> texts() const;

 private:
  struct Note {
    std::string path;
    std::string sentence;
    std::size_t files;
  };
  std::vector<Note> notes_;
};

}  // namespace lockstep
