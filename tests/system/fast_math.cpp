// A library built with -ffast-math, and worse, to be preloaded into the trainer: when it is loaded,
// and again when MPI has started, the calling thread rounds upward and takes denormal numbers for
// zero, and so do the threads of OpenMP, which it starts before the trainer does.
#include <mpi.h>

#include <cfenv>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

namespace {

void spoil() {
  std::fesetround(FE_UPWARD);
#ifdef __SSE__
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x40;
  _mm_setcsr(_mm_getcsr() | kFlushToZero | kDenormalsAreZero);
#endif
}

[[maybe_unused]] const bool loaded = [] {
#pragma omp parallel num_threads(4)
  spoil();
  return true;
}();

}  // namespace

extern "C" int MPI_Init_thread(int* count, char*** words, int wanted, int* provided) {
  const int code = PMPI_Init_thread(count, words, wanted, provided);
  spoil();
  return code;
}
