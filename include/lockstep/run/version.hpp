#pragma once

#include <string>
#include <string_view>

namespace lockstep {

/// What this binary was built from and with.
struct BuildInfo {
  std::string version;   ///< "0.1.0"
  std::string commit;    ///< short hash, or "unknown"
  bool dirty = false;    ///< the tree had changes that are not in the commit
  std::string compiler;  ///< and the flags that it was given on top of ours
  std::string build_type;
  std::string sanitizers;  ///< as in -fsanitize=; empty: none
};

[[nodiscard]] BuildInfo build_info();

/// What the processor calls itself, "AMD EPYC 7763"; "unknown" where the system does not tell.
[[nodiscard]] std::string processor_name();

/// "0.1.0".
[[nodiscard]] std::string_view lockstep_version();

/// "trainer 0.1.0 (3f2c1ab)"; a commit with changes on top ends in "+".
[[nodiscard]] std::string version_line();

/// What `trainer --version` prints: `version_line` and, one per line, compiler, libraries as
/// running, instruction sets, processor and build type. Works before MPI starts.
[[nodiscard]] std::string version_text();

}  // namespace lockstep
