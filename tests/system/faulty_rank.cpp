// A machine that fails, to be preloaded into the trainer. A rank that gets SIGUSR2 computes with a
// fault when it comes to the next logarithm, in the loss of a step: what LOCKSTEP_TEST_FAULT says.
#include <dlfcn.h>
#include <mpi.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace {

volatile std::sig_atomic_t due = 0;
unsigned char* window = nullptr;  // of parameters, as long as LOCKSTEP_TEST_FAULT_BYTES

bool fault_is(const char* name) {
  const char* fault = std::getenv("LOCKSTEP_TEST_FAULT");
  return fault != nullptr && std::strcmp(fault, name) == 0;
}

// When the library is loaded.
[[maybe_unused]] const auto previous = std::signal(SIGUSR2, [](int) { due = 1; });

}  // namespace

extern "C" int MPI_Win_allocate_shared(MPI_Aint size, int unit, MPI_Info info, MPI_Comm node,
                                       void* base, MPI_Win* result) {
  const int code = PMPI_Win_allocate_shared(size, unit, info, node, base, result);
  const char* wanted = std::getenv("LOCKSTEP_TEST_FAULT_BYTES");
  if (wanted != nullptr && size == std::atol(wanted)) {
    std::memcpy(static_cast<void*>(&window), base, sizeof window);
  }
  return code;
}

// NaN as the loss of one sample; losses that are wrong from there on; or one flipped bit among the
// parameters, in a place where no rank updates them.
extern "C" double log(double x) noexcept {
  static const auto right = reinterpret_cast<double (*)(double)>(::dlsym(RTLD_NEXT, "log"));
  if (due == 0) return right(x);
  if (fault_is("wrong")) return right(x) * (1 + 0x1p-20);
  due = 0;
  if (fault_is("nan")) return std::numeric_limits<double>::quiet_NaN();
  if (window != nullptr) window[std::atol(std::getenv("LOCKSTEP_TEST_FAULT_AT"))] ^= 0x40;
  return right(x);
}
