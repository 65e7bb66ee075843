#include "data/file_notes.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lockstep {

void FileNotes::add(const std::string& path, const std::string& sentence) {
  const auto known = std::ranges::find(notes_, sentence, &Note::sentence);
  if (known == notes_.end()) {
    notes_.push_back({path, sentence, 1});
  } else if (known->path != path) {
    ++known->files;
  }
}

std::vector<std::string> FileNotes::texts() const {
  std::vector<std::string> texts;
  for (const Note& note : notes_) {
    const std::string others = note.files == 1 ? "" : fmt::format(" and {} more", note.files - 1);
    texts.push_back(fmt::format("{}{}: {}", note.path, others, note.sentence));
  }
  return texts;
}

}  // namespace lockstep
