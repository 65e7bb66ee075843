// A machine that fails, to be preloaded into the trainer. A rank computes with a fault when it
// comes to a logarithm, in the loss of a step: the next one after SIGUSR2, or where the variables
// LOCKSTEP_TEST_FAULT_RANK and LOCKSTEP_TEST_FAULT_CALL say so. LOCKSTEP_TEST_FAULT says which:
//   wrong     losses that are wrong from there on
//   nan       NaN as the loss of one sample
//   gradient  NaN in what it sends of its gradient to another node
//   input     NaN as number LOCKSTEP_TEST_FAULT_AT of the training data
//   flip      bit LOCKSTEP_TEST_FAULT_AT of the parameters flipped
// The last two in memory that the first rank of a node shares with the others.
#include <dlfcn.h>
#include <mpi.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "lockstep/base/portable_math.hpp"

namespace {

volatile std::sig_atomic_t due = 0;
bool shares = false;  // memory with other ranks
bool in_next_message = false;
std::vector<std::span<unsigned char>> windows;  // the data, the gradients, the parameters

// What is shared beside them is smaller.
constexpr MPI_Aint kLeast = 4096;
// The trainer aligns what it is given, and takes as much more.
constexpr std::size_t kAlignment = 64;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

bool fault_is(const char* name) {
  const char* fault = std::getenv("LOCKSTEP_TEST_FAULT");
  return fault != nullptr && std::strcmp(fault, name) == 0;
}

// When the library is loaded.
[[maybe_unused]] const auto previous = std::signal(SIGUSR2, [](int) { due = 1; });

long number_from(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? -1 : std::atol(text);
}

/// The logarithm of this rank that is to be wrong; -1: none.
long wanted_call() {
  const bool mine = number_from("LOCKSTEP_TEST_FAULT_RANK") == number_from("OMPI_COMM_WORLD_RANK");
  return mine ? number_from("LOCKSTEP_TEST_FAULT_CALL") : -1;
}

void damage_memory() {
  const auto at = static_cast<std::size_t>(number_from("LOCKSTEP_TEST_FAULT_AT"));
  if (fault_is("flip")) windows.at(2)[at / 8] ^= static_cast<unsigned char>(1u << at % 8);
  if (fault_is("input")) std::memcpy(&windows.at(0)[at * sizeof kNan], &kNan, sizeof kNan);
}

}  // namespace

extern "C" int MPI_Win_allocate_shared(MPI_Aint size, int unit, MPI_Info info, MPI_Comm node,
                                       void* base, MPI_Win* result) {
  shares = true;
  const int code = PMPI_Win_allocate_shared(size, unit, info, node, base, result);
  if (size < kLeast) return code;
  void* begin = nullptr;
  std::memcpy(static_cast<void*>(&begin), base, sizeof begin);
  std::size_t bytes = static_cast<std::size_t>(size);
  std::align(kAlignment, bytes - kAlignment, begin, bytes);
  windows.emplace_back(static_cast<unsigned char*>(begin), bytes);
  return code;
}

// The first message after the loss of a step is one of its gradient.
extern "C" int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag,
                         MPI_Comm group, MPI_Request* request) {
  if (in_next_message) std::memcpy(const_cast<void*>(data), &kNan, sizeof kNan);
  in_next_message = false;
  return PMPI_Isend(data, count, type, to, tag, group, request);
}

double lockstep::portable::log(double x) {
  static const auto right =
      reinterpret_cast<double (*)(double)>(::dlsym(RTLD_NEXT, "_ZN8lockstep8portable3logEd"));
  static const long wanted = wanted_call();
  static long call = 0;
  // Losses take it of a sum of exponentials of which one is 1, initial weights of what is below 1.
  // The known answers that every process starts with come before anything is shared.
  if (x <= 1 || !shares) return right(x);
  if (++call == wanted) due = 1;
  if (due == 0) return right(x);
  if (fault_is("wrong")) return right(x) * (1 + 0x1p-20);
  due = 0;
  if (fault_is("nan")) return std::numeric_limits<double>::quiet_NaN();
  in_next_message = fault_is("gradient");
  damage_memory();
  return right(x);
}
