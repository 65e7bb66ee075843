// A program that goes wrong, to be preloaded into the trainer: CRASH says how, CRASH_AT where:
// "start", before MPI, or "mpi", when ranks are told apart; CRASH_RANK which rank, all without it.
#undef NDEBUG
#include <mpi.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cassert>
#include <csignal>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace {

std::string_view variable(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? "" : text;
}

int deeper(int volatile* above) {
  int volatile here[1000] = {*above + 1};
  return *above < 0 ? 0 : deeper(here) + here[999];
}

void crash(std::string_view place) {
  if (variable("CRASH_AT") != place) return;
  const std::string_view rank = variable("CRASH_RANK");
  if (!rank.empty() && rank != variable("OMPI_COMM_WORLD_RANK")) return;
  const std::string_view how = variable("CRASH");
  assert(how != "assert");
  if (how == "throw in a thread")
    std::thread([] { throw std::runtime_error("a surprise"); }).join();
  if (how == "throw a number") std::thread([] { throw 7; }).join();
  if (how == "no memory in a thread") std::thread([] { throw std::bad_alloc(); }).join();
  if (how == "assert in a thread") std::thread([&] { assert(how.empty()); }).join();
  if (how == "throw") throw std::runtime_error("a surprise");
  if (how == "abort") std::abort();
  if (how == "divide") std::raise(SIGFPE);
  if (how == "illegal") std::raise(SIGILL);
  if (how == "null") *static_cast<int volatile*>(nullptr) = 1;
  int volatile bottom = 0;
  if (how == "overflow") deeper(&bottom);
  if (how == "full") {  // a page that the file behind it does not have
    const int file = ::memfd_create("full", 0);
    *static_cast<char volatile*>(::mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, file, 0)) = 1;
  }
}

}  // namespace

extern "C" int MPI_Init_thread(int* argc, char*** argv, int required, int* provided) {
  crash("start");
  return PMPI_Init_thread(argc, argv, required, provided);
}

extern "C" int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm* out) {
  crash("mpi");
  return PMPI_Comm_split_type(comm, type, key, info, out);
}
