#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// What a child process may use up.
struct ChildLimits {
  Index memory_bytes;  ///< beyond what this process has; also of the result
  Index processor_seconds;
  double wall_seconds;
};

/// What reading a file of so many bytes may use up: enough for any honest one, on a slow and busy
/// machine.
[[nodiscard]] ChildLimits limits_of_reading(Index file_bytes);

/// Runs `work` in a child process and returns what it returned: for libraries that crash on files
/// made for it. The child has no files but what is in memory, makes none, cannot dump its memory,
/// and dies with this process. Whatever it does, this process goes on; its result is to be believed
/// no more than the file. Requires a process of one thread, before MPI starts.
/// Errors: Error(bad_data) with the message of what `work` threw, or with `label` and how the child
/// ended: a crash, or a limit; Error(system) if no process can be made.
[[nodiscard]] std::vector<std::byte> run_limited(
    const std::string& label, const ChildLimits& limits,
    const std::function<std::vector<std::byte>()>& work);

}  // namespace lockstep
