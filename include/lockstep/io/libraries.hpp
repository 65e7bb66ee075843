#pragma once

#include <string>

namespace lockstep {

/// The HDF5 library as running: "HDF5 1.10.8".
[[nodiscard]] std::string hdf5_library();

/// The zlib library as running: "zlib 1.2.13".
[[nodiscard]] std::string zlib_library();

}  // namespace lockstep
