#include "lockstep/run/version.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>

#include "lockstep/base/instruction_set.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/io/libraries.hpp"
#include "lockstep/kernels/linear.hpp"
#include "lockstep_build_info.hpp"

namespace lockstep {
namespace {

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
          .sanitizers = LOCKSTEP_SANITIZE};
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
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
      "SIMD        {}, of {}\n"
      "processor   {}\n"
      "MPI         {}\n"
      "HDF5        {}\n"
      "products    {}\n"
      "zlib        {}\n",
      version_line(), info.compiler, info.build_type, or_else(info.sanitizers, "none"),
      instruction_set(), fmt::join(instruction_sets(), ", "), processor_name(), mpi_library(),
      hdf5_library().substr(5), kernels::kernel_name(), zlib_library().substr(5));
}

}  // namespace lockstep
