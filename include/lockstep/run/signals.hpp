#pragma once

namespace lockstep {

/// From now on SIGUSR1, SIGTERM and SIGINT ask for a checkpoint and a clean end instead of killing
/// the process; a second SIGINT ends it at once, with exit code 130. SIGXFSZ and SIGPIPE become
/// errors of the calls that cause them. To be called before MPI starts.
void catch_stop_signals();

/// The signal that asked for the end, or 0.
[[nodiscard]] int stop_signal();

}  // namespace lockstep
