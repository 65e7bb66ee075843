#include "lockstep/comm/shared_memory.hpp"

#include <sys/statvfs.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/environment.hpp"

namespace lockstep {
namespace {

constexpr double kMegabyte = 1e6;

// Where Open MPI keeps shared windows.
std::string backing_directory() {
  const char* chosen = std::getenv("OMPI_MCA_osc_sm_backing_directory");
  return chosen == nullptr ? "/dev/shm" : chosen;
}

void check_space(double bytes) {
  const std::string directory = backing_directory();
  struct statvfs space {};
  if (::statvfs(directory.c_str(), &space) != 0) return;  // MPI will choose, and say, itself
  const double free = static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize);
  if (bytes <= free) return;
  const auto megabytes = [](double b) { return std::to_string(static_cast<int>(b / kMegabyte) + 1); };
  throw Error(ExitCode::system,
              "the ranks on " + node_name() + " need " + megabytes(bytes) +
                  " MB of shared memory, but " + directory + " has " + megabytes(free) +
                  " MB left\n  in a container, start it with more (docker run --shm-size=1g), or use "
                  "a directory on disk: mpirun --mca osc_sm_backing_directory /tmp ...");
}

}  // namespace

SharedMemory::SharedMemory(const Communicator& all, const Communicator& node, Index bytes) {
  const double total = node.sum(static_cast<double>(bytes));
  together(all, [&] {
    if (node.size() == 1) {
      alone_ = Buffer<std::byte>(bytes);
    } else if (node.rank() == 0) {
      check_space(total);
    }
  });
  if (node.size() == 1) {
    segments_.push_back(alone_.span());
    return;
  }
  MPI_Info info = MPI_INFO_NULL;
  MPI_Info_create(&info);
  // Each segment on pages of its own, near the processor of its rank.
  MPI_Info_set(info, "alloc_shared_noncontig", "true");
  void* base = nullptr;
  MPI_Win_allocate_shared(bytes + static_cast<Index>(kAlignment), 1, info, node.handle(), &base,
                          &window_);
  MPI_Info_free(&info);
  for (int rank = 0; rank < node.size(); ++rank) {
    MPI_Aint size = 0;
    int unit = 0;
    MPI_Win_shared_query(window_, rank, &size, &unit, &base);
    const auto address = reinterpret_cast<std::uintptr_t>(base);
    const std::uintptr_t start = (address + kAlignment - 1) / kAlignment * kAlignment;
    segments_.emplace_back(reinterpret_cast<std::byte*>(start),
                           static_cast<std::size_t>(size) - kAlignment);
  }
  // Touched now, so that the next check of free space sees what this one takes.
  const std::span<std::byte> mine = segment(node.rank());
  if (!mine.empty()) std::memset(mine.data(), 0, mine.size());
  node.barrier();
}

SharedMemory::~SharedMemory() {
  // Collective, so not while an error ends this process: others may not be here. The memory is
  // gone with the last process all the same.
  if (window_ != MPI_WIN_NULL && std::uncaught_exceptions() == 0) MPI_Win_free(&window_);
}

}  // namespace lockstep
