#include "lockstep/train/version.hpp"

#include <fmt/format.h>

#include "lockstep/comm/environment.hpp"
#include "lockstep/io/libraries.hpp"
#include "lockstep/kernels/linear.hpp"
#include "lockstep_build_info.hpp"

namespace lockstep {
namespace {

/// The widest vectors that the compiler was allowed to use.
constexpr const char* simd_level() {
#if defined(__AVX512F__)
  return "AVX-512";
#elif defined(__AVX2__)
  return "AVX2";
#elif defined(__AVX__)
  return "AVX";
#elif defined(__SSE2__)
  return "SSE2";
#elif defined(__ARM_NEON)
  return "NEON";
#else
  return "none";
#endif
}

std::string or_else(const std::string& text, const char* otherwise) {
  return text.empty() ? otherwise : text;
}

}  // namespace

BuildInfo build_info() {
  return {.version = LOCKSTEP_VERSION,
          .commit = LOCKSTEP_COMMIT,
          .dirty = LOCKSTEP_COMMIT_DIRTY,
          .compiler = LOCKSTEP_COMPILER,
          .build_type = LOCKSTEP_BUILD_TYPE,
          .architecture = LOCKSTEP_ARCH,
          .sanitizers = LOCKSTEP_SANITIZE,
          .simd = simd_level()};
}

std::string_view lockstep_version() { return LOCKSTEP_VERSION; }

std::string version_line() {
  const BuildInfo info = build_info();
  return fmt::format("trainer {} ({}{})", info.version, info.commit, info.dirty ? "+" : "");
}

std::string version_text() {
  const BuildInfo info = build_info();
  return fmt::format(
      "{}\n"
      "compiler    {}\n"
      "build type  {}, sanitizers: {}\n"
      "SIMD        {} (-march={})\n"
      "MPI         {}\n"
      "HDF5        {}\n"
      "products    {}\n"
      "zlib        {}\n",
      version_line(), info.compiler, info.build_type, or_else(info.sanitizers, "none"), info.simd,
      or_else(info.architecture, "default"), mpi_library(), hdf5_library().substr(5),
      kernels::kernel_name(), zlib_library().substr(5));
}

}  // namespace lockstep
