#pragma once

namespace lockstep {

/// Errors: std::system_error if `count` threads cannot run beside the calling one.
void require_threads(int count);

/// Starts the threads of every later parallel_for, `count` with the calling one. Errors:
/// std::system_error if there cannot be so many, where OpenMP by itself would end the process with
/// a code of its own.
void start_threads(int count);

}  // namespace lockstep
