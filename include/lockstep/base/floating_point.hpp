#pragma once

namespace lockstep {

/// Gives the calling thread the arithmetic that the bits of a run are a function of: rounding to
/// nearest, denormal numbers as they are, no traps. A process starts with it, but libraries change
/// it: one that was built with -ffast-math flushes denormal numbers to zero from the moment it is
/// loaded, in the thread that loads it and in all that this thread starts later.
void set_floating_point_mode();

/// The same for this thread and those of every later parallel_for, once their number is set: some
/// may have been started by a library.
void set_floating_point_mode_of_threads();

}  // namespace lockstep
