#pragma once

#include <omp.h>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// Threads that parallel_for uses in the calling thread.
[[nodiscard]] inline int thread_count() { return omp_get_max_threads(); }

/// Sets the number of threads of every later parallel_for.
inline void set_thread_count(int threads) {
  omp_set_dynamic(0);
  omp_set_num_threads(threads);
}

/// The calling thread's number within the running parallel_for, from 0. A thread that works alone
/// has number 0.
[[nodiscard]] inline int thread_number() { return thread_count() == 1 ? 0 : omp_get_thread_num(); }

/// Calls body(i) once for each i in [0, count), each on one thread. What an index computes must
/// depend on the index alone: then no thread count changes a bit. `body` must not throw.
template <typename Body>
void parallel_for(Index count, const Body& body) {
  if (thread_count() == 1) {
    for (Index i = 0; i < count; ++i) body(i);
    return;
  }
#pragma omp parallel for schedule(dynamic, 1)
  for (Index i = 0; i < count; ++i) body(i);
}

/// Calls body(i, thread) in the same way, where each call has one thread for itself: within it
/// thread_count() is 1 and every parallel_for runs on the calling thread, which is number `thread`
/// of those at work.
template <typename Body>
void parallel_for_alone(Index count, const Body& body) {
  if (thread_count() == 1) {
    for (Index i = 0; i < count; ++i) body(i, 0);
    return;
  }
#pragma omp parallel
  {
    omp_set_num_threads(1);  // of this thread, until the region ends
#pragma omp for schedule(dynamic, 1)
    for (Index i = 0; i < count; ++i) body(i, omp_get_thread_num());
  }
}

/// Calls body(i) in the same way, but thread i each time, so that it finds in its caches what it
/// has left there; the calling thread is number 0.
template <typename Body>
void each_thread_alone(Index count, const Body& body) {
  if (thread_count() == 1) return parallel_for(count, body);
#pragma omp parallel
  {
    omp_set_num_threads(1);
    for (Index i = omp_get_thread_num(); i < count; i += omp_get_num_threads()) body(i);
  }
}

/// Calls body(begin, end) for consecutive pieces of [0, count), cut at multiples of `tile`.
template <typename Body>
void parallel_for_tiles(Index count, Index tile, const Body& body) {
  parallel_for((count + tile - 1) / tile, [&](Index i) {
    const Index begin = i * tile;
    body(begin, begin + tile < count ? begin + tile : count);
  });
}

/// Numbers per tile of an elementwise loop: 32 KiB of floats, about the first-level cache.
inline constexpr Index kElementTile = 8192;

}  // namespace lockstep
