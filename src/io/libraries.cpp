#include "lockstep/io/libraries.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include "io/hdf5_handle.hpp"

namespace lockstep {

std::string hdf5_library() {
  prepare_hdf5();
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("HDF5 {}.{}.{}", major, minor, release);
}

std::string zlib_library() { return fmt::format("zlib {}", zlibVersion()); }

}  // namespace lockstep
