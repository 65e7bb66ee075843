#include "lockstep/comm/shared_memory.hpp"

#include <sys/resource.h>
#include <sys/statvfs.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <numeric>
#include <string>

#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/environment.hpp"

namespace lockstep {
namespace {

constexpr double kMegabyte = 1e6;
/// What a segment takes beside its bytes: alignment, whole pages, and MPI's own state.
constexpr Index kOverhead = 16384;

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
  const auto megabytes = [](double b) {
    const std::string tenths = std::to_string(static_cast<long>(10 * b / kMegabyte));
    return (tenths.size() > 1 ? tenths.substr(0, tenths.size() - 1) : "0") + "." + tenths.back();
  };
  throw Error(
      ExitCode::system,
      "the ranks on " + node_name() + " need " + megabytes(bytes) + " MB of shared memory, but " +
          directory + " has " + megabytes(free) +
          " MB left\n  in a container, start it with more (docker run --shm-size=1g), or use "
          "a directory on disk: set OMPI_MCA_osc_sm_backing_directory=/tmp in front of the "
          "command");
}

// The memory that a node shares is one file.
void check_limit(Index bytes) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= static_cast<rlim_t>(bytes))
    return;
  throw Error(ExitCode::system, "the ranks on " + node_name() + " share " + std::to_string(bytes) +
                                    " bytes of memory, but files may have " +
                                    std::to_string(limit.rlim_cur) +
                                    " at most\n  try: ulimit -f unlimited");
}

std::vector<Index> sizes_of_all(const Communicator& node, Index mine) {
  const auto exact = static_cast<double>(mine);  // up to 2^53
  std::vector<double> all(static_cast<std::size_t>(node.size()));
  node.all_gather({&exact, 1}, all);
  std::vector<Index> sizes;
  for (const double size : all) sizes.push_back(static_cast<Index>(size));
  return sizes;
}

}  // namespace

SharedMemory::SharedMemory(const Communicator& all, const Communicator& node, Index bytes)
    : traffic_(node.traffic()) {
  const std::vector<Index> sizes = sizes_of_all(node, bytes);
  // Virtual nodes draw from the same place as their neighbours on the machine.
  const Communicator machine = all.split_by_node();
  const Index pages = node.size() == 1 ? 0 : bytes + kOverhead;
  const std::vector<Index> needs = sizes_of_all(machine, pages);
  fail_together(all, [&] {
    if (node.size() == 1) alone_ = Buffer<std::byte>(bytes);
    const Index need = std::accumulate(needs.begin(), needs.end(), Index{0});
    if (node.size() > 1) {
      check_limit(std::accumulate(sizes.begin(), sizes.end(), node.size() * kOverhead));
    }
    if (machine.rank() == 0 && need > 0) check_space(static_cast<double>(need));
  });
  if (node.size() == 1) {
    segments_.push_back(alone_.span());
    all.barrier();
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
    MPI_Aint whole_pages = 0;
    int unit = 0;
    MPI_Win_shared_query(window_, rank, &whole_pages, &unit, &base);
    const auto address = reinterpret_cast<std::uintptr_t>(base);
    const std::uintptr_t start = (address + kAlignment - 1) / kAlignment * kAlignment;
    segments_.emplace_back(reinterpret_cast<std::byte*>(start),
                           static_cast<std::size_t>(sizes[static_cast<std::size_t>(rank)]));
  }
  // Touched now, so that the next check of free space sees what this one takes.
  const std::span<std::byte> mine = segment(node.rank());
  if (!mine.empty()) std::memset(mine.data(), 0, mine.size());
  all.barrier();
}

SharedMemory::~SharedMemory() {
  // Collective, so not while an error ends this process: others may not be here. The memory is
  // gone with the last process all the same.
  if (window_ == MPI_WIN_NULL || std::uncaught_exceptions() > 0) return;
  traffic_.stir();
  MPI_Win_free(&window_);
}

}  // namespace lockstep
