#pragma once

#include <string>
#include <string_view>

namespace lockstep {

/// What this binary was built from and with.
struct BuildInfo {
  std::string version;  ///< "0.1.0"
  std::string commit;   ///< short hash, or "unknown"
  bool dirty = false;   ///< the tree had changes that are not in the commit
  std::string compiler;
  std::string build_type;
  std::string architecture;  ///< as in -march=; empty: the compiler's default
  std::string sanitizers;    ///< as in -fsanitize=; empty: none
  std::string simd;          ///< "AVX-512", "AVX2", "AVX", "SSE2", "NEON" or "none"
};

[[nodiscard]] BuildInfo build_info();

/// "0.1.0".
[[nodiscard]] std::string_view lockstep_version();

/// "trainer 0.1.0 (3f2c1ab)"; a commit with changes on top ends in "+".
[[nodiscard]] std::string version_line();

/// What `trainer --version` prints: `version_line` and, one per line, compiler, libraries as
/// running, instruction set and build type. Works before MPI starts.
[[nodiscard]] std::string version_text();

}  // namespace lockstep
