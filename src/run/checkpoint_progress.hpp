#pragma once

#include <cstdint>
#include <string>

#include "lockstep/io/hdf5.hpp"
#include "lockstep/run/progress.hpp"

// The groups progress and history of a checkpoint.

namespace lockstep {

[[nodiscard]] inline std::int64_t integer(Index value) { return static_cast<std::int64_t>(value); }

[[nodiscard]] inline Index index_attribute(const Hdf5Reader& file, const std::string& path,
                                           const std::string& name) {
  return static_cast<Index>(file.count_attribute(path, name));
}

void write_progress(Hdf5Writer& file, const Progress& progress);

/// Errors: Error(bad_data) names the object and what is wrong.
[[nodiscard]] Progress read_progress(const Hdf5Reader& file);

}  // namespace lockstep
