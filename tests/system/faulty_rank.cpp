// A machine that fails, to be preloaded into the trainer. A rank that gets SIGUSR2 computes with a
// fault when it comes to the next logarithm, in the loss of a step. LOCKSTEP_TEST_FAULT says which:
//   wrong     losses that are wrong from there on
//   nan       NaN as the loss of one sample
//   gradient  NaN in what it sends of its gradient to another node
//   input     NaN as number LOCKSTEP_TEST_FAULT_AT of the training data
//   flip      bit LOCKSTEP_TEST_FAULT_AT of the parameters flipped
// The last two in memory that it shares with its node: what it took LOCKSTEP_TEST_FAULT_BYTES for.
#include <dlfcn.h>
#include <mpi.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace {

volatile std::sig_atomic_t due = 0;
bool in_next_message = false;
unsigned char* window = nullptr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

bool fault_is(const char* name) {
  const char* fault = std::getenv("LOCKSTEP_TEST_FAULT");
  return fault != nullptr && std::strcmp(fault, name) == 0;
}

// When the library is loaded.
[[maybe_unused]] const auto previous = std::signal(SIGUSR2, [](int) { due = 1; });

void damage_window() {
  const long at = std::atol(std::getenv("LOCKSTEP_TEST_FAULT_AT"));
  if (fault_is("flip")) window[at / 8] ^= static_cast<unsigned char>(1 << at % 8);
  if (fault_is("input")) std::memcpy(window + at * sizeof kNan, &kNan, sizeof kNan);
}

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

// The first message after the loss of a step is one of its gradient.
extern "C" int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag,
                         MPI_Comm group, MPI_Request* request) {
  if (in_next_message) std::memcpy(const_cast<void*>(data), &kNan, sizeof kNan);
  in_next_message = false;
  return PMPI_Isend(data, count, type, to, tag, group, request);
}

extern "C" double log(double x) noexcept {
  static const auto right = reinterpret_cast<double (*)(double)>(::dlsym(RTLD_NEXT, "log"));
  if (due == 0) return right(x);
  if (fault_is("wrong")) return right(x) * (1 + 0x1p-20);
  due = 0;
  if (fault_is("nan")) return std::numeric_limits<double>::quiet_NaN();
  in_next_message = fault_is("gradient");
  if (window != nullptr) damage_window();
  return right(x);
}
