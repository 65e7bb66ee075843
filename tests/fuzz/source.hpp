#pragma once

#include <string>

#include "fuzz/memory_file.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep::fuzz {

inline Source source_of(const std::string& type, const MemoryFile& file) {
  Source source;
  source.type = type;
  source.path = file.path();
  source.label_pattern = "{label}";  // the number that the file has as its name
  return source;
}

inline Source source_of(const std::string& type, const MemoryFile& file, const MemoryFile& labels) {
  Source source = source_of(type, file);
  source.labels_path = labels.path();
  return source;
}

}  // namespace lockstep::fuzz
