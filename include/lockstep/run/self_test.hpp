#pragma once

namespace lockstep {

/// Compares what this process computes with known answers: every register form of the products and
/// every elementary function. A compiler, a flag, or a processor under which they differ would give
/// other results than all others, silently. Takes under a millisecond.
/// Errors: Error(internal), which names what differs, compiler, instruction set and processor;
/// Error(config) for a variable LOCKSTEP_CACHES that tells no caches.
void require_known_answers();

}  // namespace lockstep
