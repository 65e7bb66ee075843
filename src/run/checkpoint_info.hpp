#pragma once

#include <string>

#include "lockstep/io/hdf5.hpp"
#include "lockstep/run/checkpoint.hpp"

namespace lockstep {

/// Writes all that `read_info` reads, and the normalization of the data.
void write_info(Hdf5Writer& file, const Checkpoint& checkpoint);

/// The normalization whose datasets begin with `prefix`: of each channel, or none. Errors:
/// Error(bad_data) if it is that of another number of channels.
[[nodiscard]] Normalization read_normalization(const Hdf5Reader& file, const std::string& prefix,
                                               Index channels);

}  // namespace lockstep
